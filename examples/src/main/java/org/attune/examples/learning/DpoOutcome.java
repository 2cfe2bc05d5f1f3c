package org.attune.examples.learning;

import org.attune.trainers.loop.RunSummary;

/// What came of one DPO run.
///
/// @param seed of the run
/// @param preferences accuracy on held-out pairs before and after
/// @param after answers to the held-out problems at the end
record DpoOutcome(long seed, RunSummary.Heldout preferences, HeldOut.Answers after) {}
