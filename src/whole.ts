/**
 * tabmq in one piece: the same as its main entry, with nothing that is loaded later. For pages that work
 * offline without having every file of theirs at hand, and for those that use most of it anyway.
 */
import './client/every-part.js'

export * from './index.js'
