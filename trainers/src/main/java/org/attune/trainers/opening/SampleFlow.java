package org.attune.trainers.opening;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.trainers.batch.RowOrder;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.StoppingStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.prepare.RowPreparation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// Training rows of a run with `streaming: true`, for every method: samples are read as they are
/// asked for, interleaved, drawn from a buffer, and prepared in blocks. What an epoch gives follows
/// from the files, the seed and the epoch's number, so a run that is resumed reads up to where it
/// was and goes on with the very same rows.
///
/// @param form of prompts
/// @param sources of training rows
/// @param threads how many tokenise at a time
record SampleFlow(
        DatasetLoader loader,
        Set<DatasetType> types,
        PromptForm form,
        List<DatasetSource> sources,
        int threads) {
    /// Rows behind those read last that are held at least. Rounds ask for prompts of rounds before.
    private static final int HELD = 2048;

    /// The rows of a run whose length is given in steps.
    <T extends TrainingRow> RowStream<T> rows(RunConfig config, RowPreparation<T> preparation) {
        TrainingConfig training = config.training();
        long seed = training.dataSeed().orElse(training.seed());
        boolean shuffled = isShuffled(config);
        int size = Math.clamp(config.rowsOfRun().orElseThrow(), 1, Integer.MAX_VALUE);
        int held = Math.max(HELD, 2 * Math.min(size, training.batch().rowsOfStep()));
        DataConfig data = config.data();
        String identity =
                "%s %s %s %d %s %s"
                        .formatted(
                                loader.fingerprint(sources),
                                seed,
                                shuffled,
                                shuffled ? data.shuffleBufferSize() : 0,
                                data.probabilities(),
                                data.stoppingStrategy());
        return new RowStream<>(
                epoch -> preparation.blocks(samples(data, seed, shuffled, epoch), threads),
                size,
                held,
                identity);
    }

    private static boolean isShuffled(RunConfig config) {
        return config.data().shuffleDataset()
                || !(config instanceof GeneratingRun)
                        && config.training().batch().trainSamplingStrategy()
                                != SamplingStrategy.SEQUENTIAL;
    }

    /// The samples of an epoch.
    private Stream<Sample> samples(DataConfig data, long seed, boolean shuffled, int epoch) {
        Stream<Sample> read =
                data.isMixture()
                        ? mixture(data, seed, shuffled, epoch)
                        : loader.stream(
                                sources,
                                types,
                                files("stream-files", seed, shuffled, epoch),
                                epoch == 0);
        Iterator<Sample> samples = read.iterator();
        if (shuffled) {
            samples =
                    new ShuffleBuffer<>(
                            samples,
                            data.shuffleBufferSize(),
                            random("stream-buffer", seed, epoch));
        }
        return stream(samples).onClose(read::close).map(form);
    }

    private static Optional<UniformRandomProvider> files(
            String purpose, long seed, boolean shuffled, int epoch) {
        return shuffled ? Optional.of(random(purpose, seed, epoch)) : Optional.empty();
    }

    private Stream<Sample> mixture(DataConfig data, long seed, boolean shuffled, int epoch) {
        List<IntFunction<Stream<Sample>>> each = new ArrayList<>();
        for (int i = 0; i < sources.size(); i++) {
            List<DatasetSource> one = List.of(sources.get(i));
            String purpose = "stream-files/" + i + "/";
            each.add(
                    time ->
                            loader.stream(
                                    one,
                                    types,
                                    files(purpose + time, seed, shuffled, epoch),
                                    epoch == 0 && time == 0));
        }
        List<Double> weights =
                data.probabilities().isEmpty()
                        ? Collections.nCopies(sources.size(), 1.0)
                        : data.probabilities();
        var mixed =
                new MixedStreams<>(
                        each,
                        weights,
                        data.stoppingStrategy().orElse(StoppingStrategy.FIRST_EXHAUSTED),
                        random("stream-mixture", seed, epoch));
        return stream(mixed).onClose(mixed::close);
    }

    private static UniformRandomProvider random(String purpose, long seed, int epoch) {
        return RowOrder.stream(purpose, seed, epoch);
    }

    private static <T> Stream<T> stream(Iterator<T> iterator) {
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(iterator, Spliterator.ORDERED), false);
    }
}
