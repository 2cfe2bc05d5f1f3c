package org.attune.trainers.opening;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.checkpoint.Checkpoint;
import org.attune.datasets.examples.TrainingRow;
import org.attune.error.ConfigException;
import org.attune.model.layer.Decoder;
import org.attune.policy.EvaStart;
import org.attune.policy.GradientStart;
import org.attune.policy.Policy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.ResumePoint;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

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

    /// Batches whose gradients are averaged.
    private static final int GRADIENTS = 8;

    /// Rows that are read at most, again and again.
    private static final int MOST = 4096;

    /// Begins an adapter.
    ///
    /// @param make an adapter with a configuration that reads no rows
    Policy begin(LoraConfig asked, Function<LoraConfig, Policy> make) {
        Optional<Checkpoint> before = ResumePoint.glance(training.save());
        if (before.isEmpty() && rows.isEmpty()) {
            throw ConfigException.about(
                    "peft_kwargs",
                    "init_lora_weights reads rows of the run, which has none; give data sets, or"
                            + " leave it out");
        }
        return asked.initialisation() == LoraInitialisation.EVA
                ? directions(asked, before, make)
                : gradients(asked, before);
    }

    private Policy directions(
            LoraConfig asked, Optional<Checkpoint> before, Function<LoraConfig, Policy> make) {
        if (before.isPresent()) {
            try (var folder = AdapterFolder.open(before.get().folder())) {
                return make.apply((LoraConfig) folder.config());
            }
        }
        int most = asked.rankPattern().values().stream().reduce(asked.rank(), Math::max);
        double directions = most * asked.options().eva().rho();
        EvaStart start = EvaStart.of(decoder, asked, batches(Math.max(TOKENS, TIMES * directions)));
        Policy policy = make.apply(start.config());
        start.begin(policy);
        return policy;
    }

    private Policy gradients(LoraConfig asked, Optional<Checkpoint> before) {
        Optional<GradientStart> start =
                before.isPresent()
                        ? Optional.empty()
                        : Optional.of(
                                GradientStart.of(
                                        decoder,
                                        asked,
                                        Stream.generate(batches(TOKENS)::next)
                                                .limit(GRADIENTS)
                                                .toList(),
                                        RandomSource.XO_SHI_RO_256_PP.create(training.seed())));
        Policy policy =
                Policy.withUnwrittenAdapter(
                        decoder, asked, options, training.ranks().partsGradients());
        start.ifPresent(s -> s.begin(policy));
        return policy;
    }

    /// Rows from the first on, over and over, until each batch has enough tokens.
    private Iterator<List<int[]>> batches(double tokens) {
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
