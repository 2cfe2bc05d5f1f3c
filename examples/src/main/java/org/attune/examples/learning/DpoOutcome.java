package org.attune.examples.learning;

import org.attune.trainers.RunSummary;
import org.attune.trainers.eval.EvalResult;

/// What came of one DPO run.
///
/// @param seed of the run
/// @param preferences accuracy on held-out pairs before and after
/// @param after the held-out problems, solved greedily at the end
record DpoOutcome(long seed, RunSummary.Heldout preferences, EvalResult after) {}
