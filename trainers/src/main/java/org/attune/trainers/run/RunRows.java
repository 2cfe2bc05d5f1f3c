package org.attune.trainers.run;

import org.attune.datasets.prepare.PreparationReport;
import org.attune.trainers.loop.EvalSet;

import java.util.List;

/// Prepared rows of a run.
///
/// @param train rows to train on
/// @param evalSets held-out rows; empty or one set
/// @param report what preparation did to the training rows
public record RunRows<T>(List<T> train, List<EvalSet<T>> evalSets, PreparationReport report) {
    public RunRows {
        train = List.copyOf(train);
        evalSets = List.copyOf(evalSets);
    }
}
