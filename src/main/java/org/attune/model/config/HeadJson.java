package org.attune.model.config;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.JsonFields;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// What `config.json` says of a head that scores, in the place of the output layer.
final class HeadJson {
    private static final int DEFAULT_LABELS = 2; // transformers'

    private HeadJson() {}

    /// What a classification model judges.
    static ScoreKind scoreKind(JsonFields json) {
        return namedKind(json).orElse(ScoreKind.SEQUENCE);
    }

    /// Empty for a model of another kind.
    private static Optional<ScoreKind> namedKind(JsonFields json) {
        return json.texts("architectures").stream()
                .flatMap(
                        name ->
                                Arrays.stream(ScoreKind.values())
                                        .filter(kind -> name.endsWith(kind.classSuffix())))
                .findFirst();
    }

    /// Labels of a classification model; 0 of any other.
    static int labels(JsonFields json) {
        if (namedKind(json).isEmpty()) {
            return 0;
        }
        return json.object("id2label")
                .map(names -> names.keys().size())
                .orElseGet(
                        () -> json.size("num_labels", DecoderConfig.MOST_FEATURES, DEFAULT_LABELS));
    }

    /// Says of the text model what the whole one says of its head: whether and what it scores.
    static void putOf(JsonFields whole, ObjectNode text) {
        boolean scores = namedKind(whole).isPresent();
        for (String key : List.of("architectures", "id2label", "num_labels")) {
            text.remove(key);
            if (scores && whole.has(key)) {
                text.set(key, whole.get(key));
            }
        }
    }
}
