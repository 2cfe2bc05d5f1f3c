package org.attune.models.score;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.models.ModelConfig;
import org.attune.tensor.Engine;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Scores answers by a reward model, or by a process reward model: then an answer's score is that
/// of its weakest step.
/// ```
/// try (var scorer = AnswerScorer.open(ModelConfig.of("out"))) {
///     double[] scores = scorer.score("What is 2 + 2?", List.of("4", "5"));
/// }
/// ```
/// Owns the model; from any thread.
@Api(EXPERIMENTAL)
public final class AnswerScorer implements AutoCloseable {
    private final ScoreModel model;

    private AnswerScorer(ScoreModel model) {
        this.model = model;
    }

    /// Opens a model and loads its weights.
    ///
    /// @param config names a model, an adapter with its base, or a folder that holds an adapter
    ///     alone, which then names its base itself
    /// @throws org.attune.error.AttuneException if there is none, or if it scores nothing
    public static AnswerScorer open(ModelConfig config) {
        return Engine.call(
                () -> {
                    ScoreModel model =
                            ScoreModel.open(config, ScoreModel.Steps.OWN, HubDownload.cache());
                    try {
                        model.load();
                        return new AnswerScorer(model);
                    } catch (RuntimeException e) {
                        model.close();
                        throw e;
                    }
                });
    }

    /// Scores answers to a question, in order. Where the model has a chat template, question and
    /// answer are a user's and an assistant's message; else they are joined as they are.
    public double[] score(String question, List<String> answers) {
        return scores(answers.stream().map(answer -> model.read(question, answer)).toList());
    }

    /// Scores conversations, in order, each at its end.
    ///
    /// @throws ConfigException if the model has no chat template, or judges steps
    public double[] score(List<List<Message>> conversations) {
        return scores(conversations.stream().map(model::read).toList());
    }

    private double[] scores(List<ScoreModel.Read> reads) {
        List<double[]> parts = new ArrayList<>();
        // Others get the engine between groups.
        model.groups(reads).forEach(g -> parts.add(Engine.call(() -> model.rewards(g))));
        return parts.stream().flatMapToDouble(Arrays::stream).toArray();
    }

    @Override
    public void close() {
        Engine.run(model::close);
    }
}
