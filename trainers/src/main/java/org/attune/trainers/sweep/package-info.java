/// Several values of a run's keys, tried one after the other: [Sweep] makes the trials,
/// [SweepSearch] says which values the next one has, [MedianRule] when one is given up, and
/// [SweepJournal] is what a sweep goes on from.
package org.attune.trainers.sweep;
