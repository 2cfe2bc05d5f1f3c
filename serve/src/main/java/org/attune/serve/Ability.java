package org.attune.serve;

import org.attune.models.score.Heads;

import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// What models may be asked for.
enum Ability {
    WRITES(
            m -> m.heads().isEmpty(),
            "writes texts",
            "/v1/chat/completions or /v1/completions",
            "models that write",
            "a causal language model"),
    SCORES(
            m -> m.heads().flatMap(Heads::scores).isPresent(),
            "is a reward model: it scores answers and writes none",
            "/v1/score, /v1/rerank or /v1/score/evaluation",
            "reward models",
            "a reward model, or with an adapter that scores"),
    CLASSIFIES(
            m -> m.heads().flatMap(Heads::classes).isPresent(),
            "is a classifier and writes nothing",
            "/classify",
            "classifiers",
            "a folder of attune classify, or with such an adapter"),
    EMBEDS(
            m -> m.heads().flatMap(Heads::vectors).isPresent(),
            "makes embeddings and writes nothing",
            "/v1/embeddings",
            "models of embeddings",
            "a folder of attune embed or of sentence-transformers, or with such an adapter");

    private final Predicate<ServedModel> test;
    private final String does;
    private final String paths;
    private final String several;
    private final String start;

    Ability(Predicate<ServedModel> test, String does, String paths, String several, String start) {
        this.test = test;
        this.does = does;
        this.paths = paths;
        this.several = several;
        this.start = start;
    }

    /// @param all models that there are
    /// @throws ApiException if a model isn't asked for what it does, saying which one does it
    static void require(ServedModel model, Ability asked, List<ServedModel> all)
            throws ApiException {
        if (asked.test.test(model)) {
            return;
        }
        String others =
                all.stream()
                        .filter(asked.test)
                        .map(ServedModel::name)
                        .collect(Collectors.joining(", "));
        Ability own =
                Arrays.stream(values()).filter(a -> a.test.test(model)).findFirst().orElseThrow();
        throw ApiException.bad(
                "model",
                "%s %s; ask it by %s. %s"
                        .formatted(
                                model.name(),
                                own.does,
                                own.paths,
                                others.isEmpty()
                                        ? "For this, start the server with " + asked.start
                                        : "For this there are "
                                                + asked.several
                                                + " here: "
                                                + others));
    }
}
