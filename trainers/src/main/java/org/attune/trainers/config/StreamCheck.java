package org.attune.trainers.config;

import java.util.ArrayList;
import java.util.List;

/// What a run with `streaming: true` can't do, since nobody knows how many rows its data has.
final class StreamCheck {
    private StreamCheck() {}

    static List<ConfigProblem> problems(RunConfig config) {
        List<ConfigProblem> problems = new ArrayList<>();
        DataConfig data = config.data();
        if (!data.streaming()) {
            return problems;
        }
        if (config.rowsOfRun().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "max_steps",
                            "unset",
                            "a number with streaming: true, since nobody knows how many rows the"
                                    + " data has"));
        }
        if (data.testSplitSize().isPresent() && data.evalDatasets().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "test_split_size",
                            data.testSplitSize().getAsDouble(),
                            "unset with streaming: true, since a stream doesn't know how many rows"
                                    + " there are; name held-out rows by eval_datasets"));
        }
        if (config.training().optimizer().optimizerInBwd()) {
            problems.add(
                    new ConfigProblem(
                            "optimizer_in_bwd",
                            true,
                            "false with streaming: true, since a stream doesn't know how long rows"
                                    + " are"));
        }
        return problems;
    }
}
