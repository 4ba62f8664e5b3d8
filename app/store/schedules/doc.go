// Package schedules keeps stored schedules in the database: what people and programs change of them, and what is read.
// [Store] implements those parts of contract.Store. The writes go through the store's writer, like all others, or through
// a transaction of the user's: [Database] is what this package needs of either. Claims and ends of runs write the
// watermark, the next slot and the counts, in package store.
//
// # How it works
//
// A change locks the rows that it is about, in order of their IDs, decides in memory, and writes what has changed. Each of
// these takes few statements for a thousand schedules. What is unchanged writes nothing.
//
// The revision of a row is a number that no other change in this process was given, about that of the microsecond. So a
// change that is carried out again, after an acknowledgement that was lost, recognises its own work; and the revision of
// an ID grows also when it was deleted between.
package schedules
