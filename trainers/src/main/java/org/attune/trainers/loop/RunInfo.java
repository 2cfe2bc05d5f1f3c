package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.nio.file.Path;

/// A description of a run, told once at its start.
///
/// @param method `sft`, `dpo` or `grpo`
/// @param outputDir folder of the run's results
/// @param firstStep steps already done: 0, or the checkpoint's when resumed
/// @param totalSteps optimizer steps when the run is finished
/// @param stepsPerEpoch optimizer steps of one pass over the data
/// @param logged logs and evaluations before the checkpoint was written; 0 for a new run
/// @param trainedParameters how many numbers are trained
@Api(EXPERIMENTAL)
public record RunInfo(
        String method,
        Path outputDir,
        int firstStep,
        int totalSteps,
        double stepsPerEpoch,
        int logged,
        long trainedParameters) {}
