package org.attune.trainers.opening;

import org.apache.commons.rng.sampling.ListSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.LoadedDataset.Source;
import org.attune.datasets.Positions;
import org.attune.error.ConfigException;
import org.attune.trainers.batch.MixedRows;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.StoppingStrategy;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.prepare.PreparationReport;
import org.attune.trainers.prepare.Prepared;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Which of the rows that were read are trained on, in which order, and which are held out.
///
/// @param data what is trained on
/// @param names of the parts, for messages
/// @param parts places among the rows that were read; of a mixture one list for each data set, else
///     one list
/// @param aside places of the rows that `test_split_size` holds out
record ChosenRows(
        DataConfig data, List<String> names, List<List<Integer>> parts, List<Integer> aside) {
    private static final Logger LOG = LoggerFactory.getLogger(ChosenRows.class);

    /// Chooses rows.
    ///
    /// @param sources what each data set gave, one after the other
    /// @param seed of what is held out
    /// @param order seed of `shuffle_dataset`
    /// @throws ConfigException if nothing of a data set would be left to train on
    static ChosenRows of(DataConfig data, List<Source> sources, long seed, long order) {
        int rows = sources.stream().mapToInt(Source::rows).sum();
        List<Integer> trained = Positions.range(0, rows);
        List<Integer> aside = List.of();
        if (data.evalDatasets().isEmpty() && data.testSplitSize().isPresent()) {
            Positions.Holdout holdout =
                    Positions.holdOut(rows, data.testSplitSize().getAsDouble(), seed);
            trained = holdout.train();
            aside = holdout.test();
        }
        List<String> names = sources.stream().map(Source::name).toList();
        List<List<Integer>> parts = data.isMixture() ? cut(trained, sources) : List.of(trained);
        if (data.shuffleDataset()) {
            parts = parts.stream().map(part -> shuffled(part, order)).toList();
        }
        return new ChosenRows(data, names, parts, aside);
    }

    private static List<Integer> shuffled(List<Integer> places, long order) {
        Positions shuffled = Positions.copyOf(places);
        ListSampler.shuffle(RandomSource.XO_SHI_RO_256_PP.create(order), shuffled);
        return shuffled;
    }

    /// The places that each data set has of ascending ones.
    private static List<List<Integer>> cut(List<Integer> places, List<Source> sources) {
        var parts = new ArrayList<List<Integer>>();
        int end = 0;
        int from = 0;
        for (Source source : sources) {
            end += source.rows();
            int to = from;
            while (to < places.size() && places.get(to) < end) {
                to++;
            }
            if (to == from) {
                throw new ConfigException(
                        "test_split_size holds out all rows of %s, so that the mixture has none; lower it"
                                .formatted(source.name()));
            }
            parts.add(places.subList(from, to));
            from = to;
        }
        return parts;
    }

    /// Logs what became of the rows of each part.
    <T extends TrainingRow> void tell(List<Prepared<T>> prepared) {
        for (int i = 0; i < prepared.size(); i++) {
            LOG.info(
                    "training rows{}: {}",
                    data.isMixture() ? " of " + names.get(i) : "",
                    prepared.get(i).report().summary());
        }
    }

    /// The prepared rows of the parts as those of one run.
    ///
    /// @param prepared rows of each part
    /// @param eval held-out rows
    <T extends TrainingRow> RunRows<T> joined(List<Prepared<T>> prepared, List<EvalSet<T>> eval) {
        PreparationReport report =
                PreparationReport.joined(prepared.stream().map(Prepared::report).toList());
        return new RunRows<>(rows(prepared), eval, report);
    }

    private <T extends TrainingRow> List<T> rows(List<Prepared<T>> prepared) {
        if (!data.isMixture()) {
            return prepared.getFirst().rows();
        }
        List<List<T>> sets = prepared.stream().map(Prepared::rows).toList();
        List<Double> weights =
                data.probabilities().isEmpty()
                        ? Collections.nCopies(sets.size(), 1.0)
                        : data.probabilities();
        MixedRows<T> mixed =
                switch (data.stoppingStrategy().orElse(StoppingStrategy.FIRST_EXHAUSTED)) {
                    case FIRST_EXHAUSTED -> MixedRows.untilFirst(sets, weights);
                    case ALL_EXHAUSTED -> MixedRows.untilAll(sets, weights);
                    case ALL_EXHAUSTED_WITHOUT_REPLACEMENT -> MixedRows.eachOnce(sets, weights);
                };
        LOG.info("{}", mixed.words(names));
        return mixed;
    }
}
