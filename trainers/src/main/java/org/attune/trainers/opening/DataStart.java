package org.attune.trainers.opening;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.checkpoint.Checkpoint;
import org.attune.error.ConfigException;
import org.attune.model.layer.Decoder;
import org.attune.policy.AdapterStart;
import org.attune.policy.Policy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.ResumePoint;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// Has an adapter begin from the first rows of the run. A run that goes on takes the ranks of its
/// checkpoint, whose values replace those of the beginning.
///
/// @param decoder whose base reads the rows; borrowed
/// @param options of the policy's passes
/// @param rows of the run, in their order
record DataStart(
        Decoder decoder,
        TrainingConfig training,
        Policy.Options options,
        List<? extends TrainingRow> rows) {
    /// Least tokens of a batch, and how often it has the directions of a module.
    private static final int TOKENS = 2048;

    private static final int TIMES = 4;

    /// Rows that are read at most, again and again.
    private static final int MOST = 4096;

    /// Begins an adapter.
    ///
    /// @param random source of what is drawn
    Policy begin(LoraConfig asked, UniformRandomProvider random) {
        boolean inParts = training.ranks().partsGradients();
        Optional<Checkpoint> before = ResumePoint.glance(training.save());
        if (before.isEmpty()) {
            return AdapterStart.fromRows(decoder, asked, batches(asked), random, options, inParts);
        }
        if (asked.initialisation() != LoraInitialisation.EVA) {
            return AdapterStart.unwritten(decoder, asked, options, inParts);
        }
        try (var folder = AdapterFolder.open(before.get().folder())) {
            return Policy.withFreshAdapter(decoder, folder.config(), random, options, inParts);
        }
    }

    /// Rows from the first on, over and over, until each batch has enough tokens.
    private Iterator<List<int[]>> batches(LoraConfig asked) {
        if (rows.isEmpty()) {
            throw ConfigException.about(
                    "peft_kwargs",
                    "init_lora_weights reads rows of the run, which has none; give data sets, or"
                            + " leave it out");
        }
        int most = asked.rankPattern().values().stream().reduce(asked.rank(), Math::max);
        double tokens = Math.max(TOKENS, TIMES * most * asked.options().eva().rho());
        int count = Math.min(rows.size(), MOST);
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public List<int[]> next() {
                List<int[]> batch = new ArrayList<>();
                for (long there = 0; there < tokens; next = (next + 1) % count) {
                    for (int[] ids : rows.get(next).sequences()) {
                        batch.add(ids);
                        there += Math.max(1, ids.length);
                    }
                }
                return batch;
            }
        };
    }
}
