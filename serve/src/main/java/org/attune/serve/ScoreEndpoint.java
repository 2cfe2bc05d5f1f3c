package org.attune.serve;

import org.attune.http.ExchangeReply;
import org.attune.json.Json;
import org.attune.models.score.Heads;
import org.attune.models.score.ScoreModel;
import org.attune.models.score.ScoreModel.Read;
import org.attune.text.Message;
import org.attune.text.OpenAiMessage;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

/// Scores of reward models: LLaMA-Factory's `/v1/score/evaluation`, vLLM's `/v1/score`, and Jina's
/// `/v1/rerank`. Thread-safe.
final class ScoreEndpoint {
    private static final int MOST_TEXTS = 1000;
    private static final Map<String, String> REFUSED =
            Map.of("truncate_prompt_tokens", "texts are scored whole");

    private final ServedModels models;
    private final HeadDesk desk;

    ScoreEndpoint(ServedModels models, HeadDesk desk) {
        this.models = models;
        this.desk = desk;
    }

    /// What the model says of each sequence.
    ///
    /// @param values of each: its score, or those of its steps
    private record Judged(ScoreModel model, List<double[]> values, long tokens) {
        double score(int i) {
            return model.reward(values.get(i));
        }
    }

    /// Texts or conversations, each scored at its end.
    void evaluate(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(Set.of("model", "messages", "max_length", "user"), Map.of());
        ServedModel model = models.asked(body, Ability.SCORES, call::afterwards);
        OptionalLong most = body.integer("max_length", 1, desk.length());
        List<Read> reads = new ArrayList<>();
        List<?> given = body.list("messages", MOST_TEXTS);
        for (int i = 0; i < given.size(); i++) {
            String key = "messages[" + i + "]";
            Read read = whole(given.get(i), key, scores(model));
            reads.add(most.isPresent() ? cut(read, (int) most.getAsLong()) : read);
        }
        ExchangeReply reply = call.reply(false);
        Judged judged = judge(model, "messages", reads, reply);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", "scoreval-" + UUID.randomUUID());
        answer.put("object", "score.evaluation");
        answer.put("model", model.name());
        answer.put("scores", IntStream.range(0, reads.size()).mapToObj(judged::score).toList());
        reply.end(Json.write(answer));
    }

    private static Read whole(Object value, String key, ScoreModel model) throws ApiException {
        if (value instanceof String text) {
            return model.read(text);
        }
        if (!(value instanceof List<?> given) || given.isEmpty()) {
            throw ApiException.bad(key, key + " is neither a text nor a list of messages");
        }
        List<Message> messages = new ArrayList<>();
        for (Object message : given) {
            try {
                messages.add(OpenAiMessage.readText(message));
            } catch (IllegalArgumentException e) {
                throw ApiException.bad(key, "%s: %s".formatted(key, e.getMessage()));
            }
        }
        return model.read(messages);
    }

    /// The beginning of a sequence, scored at its end.
    private static Read cut(Read read, int most) {
        return read.ids().length <= most
                ? read
                : new Read(Arrays.copyOf(read.ids(), most), new int[] {most - 1});
    }

    /// Pairs of a question and an answer.
    void score(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(
                Set.of(
                        "model",
                        "text_1",
                        "text_2",
                        "queries",
                        "documents",
                        "use_activation",
                        "user"),
                REFUSED);
        ServedModel model = models.asked(body, Ability.SCORES, call::afterwards);
        boolean isNew = body.has("queries") || body.has("documents");
        List<String> questions = texts(body, isNew ? "queries" : "text_1");
        List<String> answers = texts(body, isNew ? "documents" : "text_2");
        if (questions.size() != 1 && questions.size() != answers.size()) {
            throw body.bad(
                    isNew ? "queries" : "text_1",
                    "has %d texts and the other list %d; accepted: one, or as many"
                            .formatted(questions.size(), answers.size()));
        }
        boolean isActivated = body.flag("use_activation", false);
        ExchangeReply reply = call.reply(false);
        Judged judged = pairs(model, questions, answers, reply);
        List<Object> data = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("index", (long) i);
            one.put("object", "score");
            one.put("score", activated(judged, i, isActivated));
            if (judged.model().separator().isPresent()) {
                one.put("step_scores", Arrays.stream(judged.values().get(i)).boxed().toList());
            }
            data.add(one);
        }
        long now = System.currentTimeMillis() / 1000;
        Map<String, Object> answer =
                AnswerForm.head("score-" + UUID.randomUUID(), "list", now, model.name());
        answer.put("data", data);
        answer.put("usage", AnswerForm.usage(judged.tokens(), 0));
        reply.end(Json.write(answer));
    }

    /// Probabilities of steps are in [0, 1] already.
    private static double activated(Judged judged, int i, boolean isActivated) {
        double score = judged.score(i);
        return isActivated && judged.model().separator().isEmpty()
                ? ScoreModel.sigmoid(score)
                : score;
    }

    /// Answers to one question, the best first.
    void rerank(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(
                Set.of(
                        "model",
                        "query",
                        "documents",
                        "top_n",
                        "return_documents",
                        "use_activation",
                        "user"),
                REFUSED);
        ServedModel model = models.asked(body, Ability.SCORES, call::afterwards);
        List<String> query = texts(body, "query");
        List<String> documents = texts(body, "documents");
        int top = body.integer("top_n", 0, Integer.MAX_VALUE, 0);
        boolean hasDocuments = body.flag("return_documents", true);
        boolean isActivated = body.flag("use_activation", false);
        ExchangeReply reply = call.reply(false);
        Judged judged = pairs(model, query, documents, reply);
        List<Object> results =
                IntStream.range(0, documents.size())
                        .boxed()
                        .sorted(Comparator.comparingDouble(i -> -judged.score(i)))
                        .limit(top == 0 ? documents.size() : top)
                        .<Object>map(
                                i -> {
                                    Map<String, Object> one = new LinkedHashMap<>();
                                    one.put("index", (long) i);
                                    if (hasDocuments) {
                                        one.put("document", Map.of("text", documents.get(i)));
                                    }
                                    one.put("relevance_score", activated(judged, i, isActivated));
                                    return one;
                                })
                        .toList();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", "rerank-" + UUID.randomUUID());
        answer.put("model", model.name());
        answer.put("usage", AnswerForm.usage(judged.tokens(), 0));
        answer.put("results", results);
        reply.end(Json.write(answer));
    }

    /// A text, or a list of texts, each as it is or as `{"text": …}`.
    private static List<String> texts(Fields body, String key) throws ApiException {
        if (!body.has(key)) {
            throw body.bad(key, "is missing");
        }
        List<?> given =
                body.value(key) instanceof List<?>
                        ? body.list(key, MOST_TEXTS)
                        : List.of(body.value(key));
        List<String> texts = new ArrayList<>();
        for (Object one : given) {
            Object text = one instanceof Map<?, ?> map ? map.get("text") : one;
            if (!(text instanceof String told)) {
                throw body.bad(key, "isn't a text or a list of texts");
            }
            texts.add(told);
        }
        if (texts.isEmpty()) {
            throw body.bad(key, "is empty");
        }
        return texts;
    }

    private Judged pairs(
            ServedModel model, List<String> questions, List<String> answers, ExchangeReply reply)
            throws ApiException, IOException {
        ScoreModel scores = scores(model);
        List<Read> reads = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            String question = questions.get(questions.size() == 1 ? 0 : i);
            reads.add(scores.read(question, answers.get(i)));
        }
        return judge(model, "text_2", reads, reply);
    }

    private Judged judge(ServedModel model, String key, List<Read> reads, ExchangeReply reply)
            throws ApiException, IOException {
        ScoreModel scores = scores(model);
        HeadDesk.requireLengths(key, reads, desk.length(), "");
        List<double[]> values = desk.values(reads, scores::groups, scores::values, reply);
        return new Judged(scores, values, HeadDesk.tokens(reads));
    }

    private static ScoreModel scores(ServedModel model) {
        return model.heads().flatMap(Heads::scores).orElseThrow();
    }
}
