package org.attune.serve;

import org.attune.http.ExchangeReply;
import org.attune.json.Json;
import org.attune.models.score.Heads;
import org.attune.models.score.ScoreModel.Read;
import org.attune.models.score.TextEmbedder;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Embeddings of texts: OpenAI's `/v1/embeddings`. Thread-safe.
///
/// @param desk has them computed
record EmbeddingEndpoint(ServedModels models, HeadDesk desk) {
    private static final int MOST_TEXTS = 2048; // as OpenAI has it
    static final String CUT = "; truncate_prompt_tokens leaves the ends of texts out";
    private static final Set<String> KEYS =
            Set.of(
                    "model",
                    "input",
                    "encoding_format",
                    "dimensions",
                    "user",
                    "prompt_name",
                    "add_special_tokens",
                    "truncate_prompt_tokens");

    void embed(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(KEYS, Map.of());
        ServedModel model = models.asked(body, Ability.EMBEDS, call::afterwards);
        TextEmbedder embedder = model.heads().flatMap(Heads::vectors).orElseThrow();
        int most = Math.min(desk.length(), embedder.maxLength().orElse(desk.length()));
        List<Read> reads = reads(body, model, embedder, most);
        int dims = body.integer("dimensions", 1, embedder.width(), embedder.width());
        boolean isCoded = isCoded(body);
        HeadDesk.requireLengths("input", reads, most, CUT);
        ExchangeReply reply = call.reply(false);
        List<double[]> vectors =
                desk.values(reads, embedder::groups, group -> embedder.vectors(group, dims), reply);
        List<Object> data = new ArrayList<>();
        for (double[] vector : vectors) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("object", "embedding");
            one.put("index", (long) data.size());
            one.put("embedding", isCoded ? coded(vector) : numbers(vector));
            data.add(one);
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("object", "list");
        answer.put("data", data);
        answer.put("model", model.name());
        long tokens = HeadDesk.tokens(reads);
        Map<String, Object> usage = AnswerForm.usage(tokens, 0);
        usage.remove("completion_tokens"); // OpenAI has none here
        answer.put("usage", usage);
        reply.end(Json.write(answer));
    }

    private static List<Read> reads(Fields body, ServedModel model, TextEmbedder embedder, int most)
            throws ApiException {
        int cut = Cuts.read(body, most);
        boolean special = body.flag("add_special_tokens", true);
        Optional<String> prompt = prompt(body, embedder);
        return new TokenInput("input", model, MOST_TEXTS)
                .read(
                        body,
                        text -> embedder.read(text, prompt, special, cut),
                        ids -> embedder.read(ids, cut));
    }

    private static Optional<String> prompt(Fields body, TextEmbedder embedder) throws ApiException {
        Optional<String> name = body.text("prompt_name");
        if (name.isPresent() && !embedder.prompts().contains(name.get())) {
            throw body.bad(
                    "prompt_name",
                    "is \"%s\"; accepted: %s"
                            .formatted(
                                    name.get(),
                                    embedder.prompts().isEmpty()
                                            ? "none, since the model has no prompts"
                                            : String.join(", ", embedder.prompts())));
        }
        return name;
    }

    private static boolean isCoded(Fields body) throws ApiException {
        return switch (body.text("encoding_format").orElse("float")) {
            case "float" -> false;
            case "base64" -> true;
            default ->
                    throw body.bad(
                            "encoding_format",
                            "is \"%s\"; accepted: float, base64"
                                    .formatted(body.value("encoding_format")));
        };
    }

    /// The numbers by the fewest digits that tell them from other float32 numbers.
    private static List<Double> numbers(double[] vector) {
        return Arrays.stream(vector)
                .mapToObj(x -> Double.valueOf(Float.toString((float) x)))
                .toList();
    }

    /// The float32 numbers, lowest byte first.
    private static String coded(double[] vector) {
        ByteBuffer bytes =
                ByteBuffer.allocate(Float.BYTES * vector.length).order(ByteOrder.LITTLE_ENDIAN);
        for (double x : vector) {
            bytes.putFloat((float) x);
        }
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
