package org.attune.models.score;

import org.attune.models.LoadedModel;
import org.attune.models.ModelSetup;

import java.util.Optional;

/// What a model answers beside texts: scores, labels of texts or words, or embeddings. All are
/// empty of a model that writes.
///
/// @param scores of a reward model, or of a classifier with one number
/// @param classes of texts or words
/// @param vectors of texts
/// @param freed closes what was opened for them, on the engine thread
public record Heads(
        Optional<ScoreModel> scores,
        Optional<TextClassifier> classes,
        Optional<TextEmbedder> vectors,
        Runnable freed) {
    /// What a model that is loaded already answers.
    ///
    /// @param loaded borrowed
    /// @throws org.attune.error.ModelException if its embeddings are made in another way than here
    public static Heads of(LoadedModel loaded) {
        return of(loaded.setup(), HeadPass.of(loaded));
    }

    /// What an adapter answers on weights that are loaded already. On another thread than the
    /// engine's it lets other work have its turn meanwhile.
    ///
    /// @param loaded borrowed; must live longer
    /// @param setup of the adapter on the same base, whose [#has] is true; borrowed
    /// @param number tells the adapter apart from others of the decoder
    public static Heads on(LoadedModel loaded, ModelSetup setup, int number) {
        return of(setup, HeadPass.on(loaded, setup, number));
    }

    /// Whether a model answers anything beside texts.
    public static boolean has(ModelSetup setup) {
        return setup.labels() > 0 || SentenceFiles.of(setup.headFolder()).isPresent();
    }

    private static Heads of(ModelSetup setup, HeadPass pass) {
        Optional<ScoreModel> scores =
                ScoreModel.isReward(setup)
                        ? Optional.of(ScoreModel.over(setup, pass))
                        : Optional.empty();
        boolean judgesSteps = scores.flatMap(ScoreModel::separator).isPresent();
        return new Heads(
                scores,
                setup.labels() > 0 && !judgesSteps
                        ? Optional.of(new TextClassifier(setup, pass))
                        : Optional.empty(),
                setup.labels() > 0
                        ? Optional.empty()
                        : SentenceFiles.of(setup.headFolder())
                                .map(files -> new TextEmbedder(setup, files, pass)),
                pass.freed());
    }
}
