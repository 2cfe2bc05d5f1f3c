package org.attune.trainers.judges;

import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.files.HubCache;
import org.attune.models.ModelConfig;
import org.attune.models.StepSeparator;
import org.attune.models.score.ScoreModel;
import org.attune.models.score.ScoreModel.Read;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.ScoringPreparation;
import org.attune.trainers.prepare.ScoringPreparation.Scored;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;

/// A reward model, or a process reward model, that scores rows of data as it saw them in training.
/// Use it on the engine thread. Owns the model.
public final class RowScorer implements AutoCloseable {
    private final ScoreModel model;

    private RowScorer(ScoreModel model) {
        this.model = model;
    }

    /// Opens a model's files. The weights are loaded when the first row is scored.
    ///
    /// @param config names the model, or an adapter with its base; a folder that holds an adapter
    ///     alone means that adapter on the base that it names
    /// @param separator of steps, of a process reward model; empty: the one that its folder says
    /// @throws org.attune.error.AttuneException if there is no such model, or it is no reward model
    ///     of either kind
    public static RowScorer open(ModelConfig config, Optional<String> separator, HubCache hub) {
        var steps = new ScoreModel.Steps(Optional.empty(), separator.map(StepSeparator::new));
        return new RowScorer(ScoreModel.open(config, steps, hub));
    }

    /// Whether the model judges steps, not whole answers.
    public boolean judgesSteps() {
        return model.separator().isPresent();
    }

    /// Types of rows that it scores.
    public Set<DatasetType> accepted() {
        return judgesSteps() ? ScoringPreparation.STEPS : ScoringPreparation.ANSWERS;
    }

    /// Tokens of rows.
    ///
    /// @throws org.attune.error.DatasetException with the row's place, if a row can't be used
    public List<List<Scored>> prepare(List<Sample> samples) {
        var tokenizer = new SampleTokenizer(model.text().tokenizer(), model.text().template());
        var preparation = new ScoringPreparation(tokenizer);
        int threads = Runtime.getRuntime().availableProcessors();
        return model.separator()
                .map(text -> preparation.steps(samples, text.text(), threads))
                .orElseGet(() -> preparation.answers(samples, threads));
    }

    /// Scores of all rows, in order: of each sequence one, or of a solution one for each step, the
    /// probability that it is right.
    ///
    /// @param rows of [#prepare]
    /// @param done is told the number of rows so far
    public List<double[]> score(List<List<Scored>> rows, LongConsumer done) {
        List<double[]> scores = new ArrayList<>();
        for (List<List<Read>> group :
                model.groupsOfRows(rows.stream().map(RowScorer::reads).toList())) {
            List<double[]> judged = model.values(group.stream().flatMap(List::stream).toList());
            int next = 0;
            for (List<Read> row : group) {
                scores.add(joined(judged.subList(next, next + row.size())));
                next += row.size();
            }
            done.accept(scores.size());
        }
        return scores;
    }

    private static List<Read> reads(List<Scored> row) {
        return row.stream().map(s -> new Read(s.ids(), s.places())).toList();
    }

    private static double[] joined(List<double[]> parts) {
        return parts.stream().flatMapToDouble(Arrays::stream).toArray();
    }

    @Override
    public void close() {
        model.close();
    }
}
