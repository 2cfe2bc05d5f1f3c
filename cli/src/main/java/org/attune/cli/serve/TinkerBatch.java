package org.attune.cli.serve;

import org.attune.error.Spelling;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;
import org.attune.trainers.service.AdapterTraining.Loss;
import org.attune.trainers.service.AdapterTraining.Row;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/// A request for a loss and its gradients, as it came: rows aren't read yet.
///
/// @param model id of the adapter's training
/// @param seq its place among the requests of that training; empty: behind those before it
/// @param loss name of the loss
/// @param settings of the loss, by name
/// @param learns whether gradients are wanted
/// @param data rows, either [Fields] or [Protobuf]
/// @param bytes of the request
record TinkerBatch(
        String model,
        OptionalLong seq,
        String loss,
        Map<String, Double> settings,
        boolean learns,
        List<?> data,
        long bytes) {
    private static final int MOST_BYTES = 64 << 20;
    private static final int MOST_ROWS = 4096;
    private static final int MOST_CHUNKS = 10_000;
    private static final double CLIP_LOW = 0.8;
    private static final double CLIP_HIGH = 1.2;
    private static final double BETA = 0.05;
    private static final String TARGETS = "target_tokens";

    /// @param key of the rows in JSON: `forward_backward_input`, or `forward_input`
    /// @throws ApiException if it is no such request
    static TinkerBatch read(Call call, String key) throws IOException {
        String type = call.header("Content-Type").orElse("").toLowerCase(Locale.ROOT);
        if (type.startsWith("application/x-protobuf")) {
            if (call.header("Content-Encoding").isPresent()) {
                throw new ApiException(
                        415, "unsupported_media_type", "compressed bodies aren't read here");
            }
            byte[] bytes = call.bytes(MOST_BYTES);
            return of(Protobuf.read(ByteBuffer.wrap(bytes)), bytes.length);
        }
        return of(
                call.body(MOST_BYTES),
                key,
                call.header("Content-Length")
                        .filter(l -> l.matches("\\d{1,9}"))
                        .map(Long::parseLong)
                        .orElse((long) MOST_BYTES));
    }

    private static TinkerBatch of(Protobuf message, long bytes) {
        Map<String, Double> settings = new LinkedHashMap<>();
        for (Protobuf.Field entry : message.all(5)) {
            Protobuf pair = entry.message();
            settings.put(pair.text(1), Double.longBitsToDouble(pair.value(2)));
        }
        for (Protobuf.Field entry : message.all(7)) { // in which there may be texts
            String name = entry.message().text(1);
            if (!settings.containsKey(name)) {
                throw ApiException.bad(
                        name, "\"%s\" in loss_fn_config is no number".formatted(name));
            }
        }
        long seq = message.value(2);
        return new TinkerBatch(
                message.text(1),
                seq == 0 ? OptionalLong.empty() : OptionalLong.of(seq),
                message.text(4),
                settings,
                message.value(6) == 0,
                message.all(3).stream().map(Protobuf.Field::message).toList(),
                bytes);
    }

    private static TinkerBatch of(Fields body, String key, long bytes) {
        body.require(Set.of("model_id", "seq_id", key, "type"), Map.of());
        Fields input = body.object(key).orElseThrow(() -> body.bad(key, "is missing"));
        input.require(Set.of("data", "loss_fn", "loss_fn_config"), Map.of());
        Map<String, Double> settings = new LinkedHashMap<>();
        input.object("loss_fn_config")
                .ifPresent(
                        config ->
                                config.all()
                                        .keySet()
                                        .forEach(
                                                name ->
                                                        config.number(
                                                                        name,
                                                                        -Double.MAX_VALUE,
                                                                        Double.MAX_VALUE)
                                                                .ifPresent(
                                                                        v ->
                                                                                settings.put(
                                                                                        name, v))));
        return new TinkerBatch(
                body.text("model_id").orElse(""),
                body.integer("seq_id", 1, Integer.MAX_VALUE),
                input.text("loss_fn").orElse(""),
                settings,
                key.equals("forward_backward_input"),
                input.objects("data", MOST_ROWS),
                bytes);
    }

    /// @throws ApiException if there is no such loss, or it has no such setting
    Loss objective() {
        Set<String> clips = Set.of("clip_low_threshold", "clip_high_threshold");
        return switch (loss) {
            case "cross_entropy" -> {
                requireSettings(Set.of());
                yield new Loss.CrossEntropy();
            }
            case "importance_sampling" -> {
                requireSettings(Set.of());
                yield new Loss.ImportanceSampling();
            }
            case "ppo" -> {
                requireSettings(clips);
                yield new Loss.Ppo(low(), high());
            }
            case "cispo" -> {
                requireSettings(clips);
                yield new Loss.Cispo(low(), high());
            }
            case "dro" -> {
                requireSettings(Set.of("beta"));
                yield new Loss.Dro(between("beta", BETA, 0, Double.MAX_VALUE));
            }
            default ->
                    throw ApiException.bad(
                            "loss_fn",
                            "\"loss_fn\" is \"%s\"; accepted: cross_entropy, importance_sampling, ppo, cispo, dro"
                                    .formatted(loss));
        };
    }

    private double low() {
        return between("clip_low_threshold", CLIP_LOW, 0, 1);
    }

    private double high() {
        return between("clip_high_threshold", CLIP_HIGH, 1, Double.MAX_VALUE);
    }

    private double between(String key, double standard, double least, double most) {
        double value = settings.getOrDefault(key, standard);
        if (!(value >= least && value <= most)) {
            throw ApiException.bad(
                    key, "\"%s\" is %s; accepted: %s to %s".formatted(key, value, least, most));
        }
        return value;
    }

    private void requireSettings(Set<String> known) {
        for (String key : settings.keySet()) {
            requireKnown(key, known, "loss_fn_config");
        }
    }

    private void requireKnown(String key, Set<String> known, String where) {
        if (!known.contains(key)) {
            throw ApiException.bad(
                    key,
                    "\"%s\" in %s isn't read by %s; accepted: %s%s"
                            .formatted(
                                    key,
                                    where,
                                    loss,
                                    known.isEmpty() ? "nothing" : known,
                                    Spelling.nearest(key, known)
                                            .map("; did you mean \"%s\"?"::formatted)
                                            .orElse("")));
        }
    }

    /// The rows.
    ///
    /// @throws ApiException if one isn't what the loss needs
    List<Row> rows() {
        if (data.size() > MOST_ROWS) {
            throw ApiException.bad(
                    "data", "\"data\" has %d rows; accepted: %d".formatted(data.size(), MOST_ROWS));
        }
        List<Row> rows = new ArrayList<>();
        for (Object row : data) {
            rows.add(
                    switch (row) {
                        case Protobuf message -> row(message);
                        case Fields fields -> row(fields);
                        default -> throw new IllegalStateException("a row of an unknown form");
                    });
        }
        return rows;
    }

    private Row row(Protobuf datum) {
        List<int[]> chunks = new ArrayList<>();
        for (Protobuf.Field field : datum.all(1)) {
            Protobuf chunk = field.message();
            Protobuf text =
                    chunk.last(1).orElseThrow(() -> noText("a picture or a sound")).message();
            ByteBuffer in =
                    text.last(1).map(Protobuf.Field::numbers).orElse(ByteBuffer.allocate(0));
            int[] ids = new int[in.remaining() / Integer.BYTES];
            in.asIntBuffer().get(ids);
            chunks.add(ids);
        }
        Map<String, TinkerTensor> inputs = new LinkedHashMap<>();
        for (Protobuf.Field entry : datum.all(2)) {
            Protobuf pair = entry.message();
            String name = pair.text(1);
            Protobuf tensor =
                    pair.last(2).map(Protobuf.Field::message).orElse(new Protobuf(List.of()));
            inputs.put(name, TinkerTensor.of(name, tensor));
        }
        return row(joined(chunks), inputs);
    }

    private static ApiException noText(String what) {
        return ApiException.bad(
                "model_input", "\"model_input\" has %s; accepted: tokens".formatted(what));
    }

    private Row row(Fields datum) {
        datum.require(Set.of("model_input", "loss_fn_inputs"), Map.of());
        Map<String, TinkerTensor> inputs = new LinkedHashMap<>();
        Fields given =
                datum.object("loss_fn_inputs")
                        .orElseThrow(() -> datum.bad("loss_fn_inputs", "is missing"));
        for (String name : given.all().keySet()) {
            given.object(name).ifPresent(t -> inputs.put(name, TinkerTensor.of(name, t)));
        }
        return row(ids(datum, "model_input"), inputs);
    }

    /// The tokens of a `ModelInput`.
    ///
    /// @throws ApiException if it is none, or has more than tokens
    static int[] ids(Fields body, String key) {
        Fields input = body.object(key).orElseThrow(() -> body.bad(key, "is missing"));
        List<int[]> chunks = new ArrayList<>();
        for (Fields chunk : input.objects("chunks", MOST_CHUNKS)) {
            String type = chunk.text("type").orElse("encoded_text");
            if (!type.equals("encoded_text")) {
                throw noText("a chunk of type \"%s\"".formatted(type));
            }
            List<?> tokens = chunk.list("tokens", Integer.MAX_VALUE);
            int[] ids = new int[tokens.size()];
            for (int i = 0; i < ids.length; i++) {
                if (!(tokens.get(i) instanceof Long id) || id != id.intValue()) {
                    throw chunk.bad(
                            "tokens", "holds %s; accepted: token ids".formatted(tokens.get(i)));
                }
                ids[i] = id.intValue();
            }
            chunks.add(ids);
        }
        return joined(chunks);
    }

    private static int[] joined(List<int[]> chunks) {
        int[] all = new int[chunks.stream().mapToInt(c -> c.length).sum()];
        int at = 0;
        for (int[] chunk : chunks) {
            System.arraycopy(chunk, 0, all, at, chunk.length);
            at += chunk.length;
        }
        return all;
    }

    private Row row(int[] ids, Map<String, TinkerTensor> inputs) {
        boolean weighs = loss.equals("cross_entropy");
        Set<String> known =
                weighs ? Set.of(TARGETS, "weights") : Set.of(TARGETS, "logprobs", "advantages");
        inputs.keySet().forEach(name -> requireKnown(name, known, "loss_fn_inputs"));
        return new Row(
                ids,
                input(inputs, TARGETS).ids(),
                input(inputs, weighs ? "weights" : "advantages").values(),
                weighs ? new double[0] : input(inputs, "logprobs").values());
    }

    private static TinkerTensor input(Map<String, TinkerTensor> inputs, String name) {
        TinkerTensor found = inputs.get(name);
        if (found == null) {
            throw ApiException.bad(name, "\"%s\" is missing in loss_fn_inputs".formatted(name));
        }
        return found;
    }
}
