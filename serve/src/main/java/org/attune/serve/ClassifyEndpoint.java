package org.attune.serve;

import org.attune.http.ExchangeReply;
import org.attune.json.Json;
import org.attune.models.score.Heads;
import org.attune.models.score.ScoreModel.Read;
import org.attune.models.score.TextClassifier;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

/// Labels of texts and of conversations, which may have pictures, or of a text's words. Form:
/// vLLM's `/classify`. Thread-safe.
///
/// @param desk has them computed
record ClassifyEndpoint(ServedModels models, HeadDesk desk) {
    private static final int MOST_TEXTS = 1000;
    private static final double LIKELY = 0.5;
    private static final String CHAT = "messages";
    private static final List<String> OF_CHATS =
            List.of(CHAT, "add_generation_prompt", "chat_template_kwargs");
    private static final List<String> OF_TEXTS =
            List.of("add_special_tokens", "truncate_prompt_tokens");
    private static final Set<String> KEYS = keys();

    /// A sentence with its words, none where it is a text or a conversation.
    private record Given(Read read, List<String> words) {}

    private static Set<String> keys() {
        Set<String> keys = new HashSet<>(List.of("model", "input", "user", "use_activation"));
        keys.addAll(OF_CHATS);
        keys.addAll(OF_TEXTS);
        return Set.copyOf(keys);
    }

    void classify(Call call) throws ApiException, IOException, InterruptedException {
        Fields body = models.body(call);
        body.require(KEYS, Map.of());
        ServedModel model = models.asked(body, Ability.CLASSIFIES, call::afterwards);
        TextClassifier classifier = model.heads().flatMap(Heads::classes).orElseThrow();
        List<Given> given;
        if (classifier.ofWords()) {
            given = sentences(body, classifier);
        } else if (body.has(CHAT)) {
            given = conversation(body, model);
        } else {
            given = texts(body, model);
        }
        List<Read> reads = given.stream().map(Given::read).toList();
        boolean isActivated = body.flag("use_activation", true);
        boolean isCut = !classifier.ofWords() && !body.has(CHAT);
        HeadDesk.requireLengths(
                body.has(CHAT) ? CHAT : "input",
                reads,
                desk.length(),
                isCut ? EmbeddingEndpoint.CUT : "");
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

    private static void refuse(Fields body, List<String> keys, String why) throws ApiException {
        for (String key : keys) {
            if (body.has(key)) {
                throw body.bad(key, why);
            }
        }
    }

    private static List<Given> conversation(Fields body, ServedModel model) throws ApiException {
        refuse(body, List.of("input"), "can't stand beside messages; leave one of them out");
        refuse(body, OF_TEXTS, "isn't for conversations; leave it out");
        TextClassifier classifier = model.heads().flatMap(Heads::classes).orElseThrow();
        int[] ids = ChatRequest.judged(body, model).ids();
        return List.of(given(classifier.read(ids, ids.length)));
    }

    private List<Given> texts(Fields body, ServedModel model) throws ApiException {
        refuse(body, OF_CHATS, "is for conversations: give messages instead of input");
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
        refuse(body, OF_TEXTS, "isn't for classifiers of words; leave it out");
        refuse(body, OF_CHATS, "isn't for classifiers of words, which take an input");
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
