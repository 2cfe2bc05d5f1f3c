package org.attune.serve;

import org.attune.http.ExchangeReply;
import org.attune.json.Json;
import org.attune.models.score.Heads;
import org.attune.models.score.ScoreModel.Read;
import org.attune.models.score.TextClassifier;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

/// Labels of texts, as vLLM's `/classify` gives them, or of their words. Thread-safe.
///
/// @param desk has them computed
record ClassifyEndpoint(ServedModels models, HeadDesk desk) {
    private static final int MOST_TEXTS = 1000;
    private static final double LIKELY = 0.5;
    private static final Set<String> KEYS =
            Set.of(
                    "model",
                    "input",
                    "user",
                    "use_activation",
                    "add_special_tokens",
                    "truncate_prompt_tokens");

    /// A sentence with its words, none where it is a text.
    private record Given(Read read, List<String> words) {}

    void classify(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(KEYS, Map.of());
        ServedModel model = models.asked(body, Ability.CLASSIFIES, call::afterwards);
        TextClassifier classifier = model.heads().flatMap(Heads::classes).orElseThrow();
        List<Given> given = classifier.ofWords() ? sentences(body, classifier) : texts(body, model);
        List<Read> reads = given.stream().map(Given::read).toList();
        boolean isActivated = body.flag("use_activation", true);
        HeadDesk.requireLengths(
                "input", reads, desk.length(), classifier.ofWords() ? "" : EmbeddingEndpoint.CUT);
        ExchangeReply reply = call.reply(false);
        List<double[]> logits = desk.values(reads, classifier::groups, classifier::logits, reply);
        List<Object> data = new ArrayList<>();
        for (int i = 0; i < given.size(); i++) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("index", (long) i);
            one.putAll(judged(classifier, given.get(i), logits.get(i), isActivated));
            data.add(one);
        }
        long now = System.currentTimeMillis() / 1000;
        Map<String, Object> answer =
                AnswerForm.head("classify-" + UUID.randomUUID(), "list", now, model.name());
        answer.put("data", data);
        answer.put("usage", AnswerForm.usage(HeadDesk.tokens(reads), 0));
        reply.end(Json.write(answer));
    }

    private List<Given> texts(Fields body, ServedModel model) throws ApiException {
        TextClassifier classifier = model.heads().flatMap(Heads::classes).orElseThrow();
        boolean special = body.flag("add_special_tokens", true);
        int cut = Cuts.read(body, desk.length());
        return new TokenInput("input", model, MOST_TEXTS)
                .read(
                        body,
                        text -> given(classifier.read(text, special, cut)),
                        ids -> given(classifier.read(ids, cut)));
    }

    private static Given given(Read read) {
        return new Given(read, List.of());
    }

    /// Sentences, whose words stand between blanks unless they are given as a list.
    private static List<Given> sentences(Fields body, TextClassifier classifier)
            throws ApiException {
        for (String key : List.of("add_special_tokens", "truncate_prompt_tokens")) {
            if (body.has(key)) {
                throw body.bad(key, "isn't for classifiers of words; leave it out");
            }
        }
        List<?> given =
                body.value("input") instanceof String text
                        ? List.of(text)
                        : body.list("input", MOST_TEXTS);
        List<Given> sentences = new ArrayList<>();
        for (Object one : given) {
            List<String> words =
                    switch (one) {
                        case String text -> Arrays.asList(text.strip().split("\\s+"));
                        case List<?> list when list.stream().allMatch(w -> w instanceof String) ->
                                list.stream().map(String.class::cast).toList();
                        case null, default -> List.of();
                    };
            if (words.isEmpty() || words.stream().anyMatch(String::isBlank)) {
                throw body.bad(
                        "input",
                        "holds %s; accepted: a sentence, or a list of its words, or several"
                                .formatted(Json.write(one)));
            }
            sentences.add(new Given(classifier.words(words), words));
        }
        if (sentences.isEmpty()) {
            throw body.bad("input", "is missing or empty");
        }
        return sentences;
    }

    private static Map<String, Object> judged(
            TextClassifier classifier, Given given, double[] logits, boolean isActivated) {
        int labels = classifier.names().size();
        if (!classifier.ofWords()) {
            return place(classifier, logits, isActivated);
        }
        List<Object> words = new ArrayList<>();
        for (int w = 0; w < given.words().size(); w++) {
            Map<String, Object> word = new LinkedHashMap<>();
            word.put("word", given.words().get(w));
            double[] own = Arrays.copyOfRange(logits, w * labels, (w + 1) * labels);
            word.putAll(place(classifier, own, isActivated));
            words.add(word);
        }
        return Map.of("words", words);
    }

    private static Map<String, Object> place(
            TextClassifier classifier, double[] logits, boolean isActivated) {
        double[] probabilities = classifier.probabilities(logits);
        int best =
                IntStream.range(0, logits.length)
                        .reduce(0, (a, b) -> logits[b] > logits[a] ? b : a);
        Map<String, Object> place = new LinkedHashMap<>();
        place.put("label", classifier.names().get(best));
        if (classifier.hasSeveral()) {
            place.put(
                    "labels",
                    IntStream.range(0, logits.length)
                            .filter(i -> probabilities[i] > LIKELY)
                            .mapToObj(classifier.names()::get)
                            .toList());
        }
        double[] shown = isActivated ? probabilities : logits;
        place.put("probs", Arrays.stream(shown).boxed().toList());
        place.put("num_classes", (long) logits.length);
        return place;
    }
}
