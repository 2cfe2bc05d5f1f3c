package org.attune.cli.serve;

import org.attune.json.Json;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.TopTokens;
import org.attune.rollout.generation.PromptLogProbs;
import org.attune.trainers.service.AdapterTraining.Outcome;
import org.attune.trainers.service.AdapterTraining.Row;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// What a request of which the result is fetched later has come to: JSON, and where clients read
/// such, a message of tinker_public.proto.
sealed interface TinkerReply {
    /// The JSON value.
    String json();

    /// The message; empty where there is only JSON.
    default Optional<byte[]> message() {
        return Optional.empty();
    }

    /// A value.
    record Plain(Map<String, Object> value) implements TinkerReply {
        @Override
        public String json() {
            return Json.compact(value);
        }
    }

    /// A loss, with the log-probabilities of all targets.
    ///
    /// @param rows that it is of
    record Loss(Outcome outcome, List<Row> rows) implements TinkerReply {
        private static final String TYPE = "ArrayRecord";
        private static final int FLOAT32 = 1;

        private long width(int row) {
            return rows.get(row).targets().length / rows.get(row).ids().length;
        }

        private Map<String, Double> metrics() {
            return Map.of("loss:sum", outcome.loss());
        }

        @Override
        public String json() {
            List<Map<String, Object>> outputs = new ArrayList<>();
            for (int r = 0; r < rows.size(); r++) {
                float[] values = outcome.logProbs().get(r);
                Map<String, Object> tensor = new LinkedHashMap<>();
                tensor.put("data", values);
                tensor.put("dtype", "float32");
                long tokens = rows.get(r).ids().length;
                tensor.put("shape", width(r) == 1 ? List.of(tokens) : List.of(tokens, width(r)));
                outputs.add(Map.of("logprobs", tensor));
            }
            Map<String, Object> value = new LinkedHashMap<>();
            value.put("loss_fn_output_type", TYPE);
            value.put("loss_fn_outputs", outputs);
            value.put("metrics", metrics());
            return Json.compact(value);
        }

        @Override
        public Optional<byte[]> message() {
            var message = new Protobuf.Writer().text(1, TYPE);
            for (int from = 0; from < rows.size(); ) {
                int to = from + 1; // rows of one width are one record
                while (to < rows.size() && width(to) == width(from)) {
                    to++;
                }
                message.message(2, record(from, to));
                from = to;
            }
            metrics()
                    .forEach(
                            (name, value) ->
                                    message.message(
                                            3, new Protobuf.Writer().text(1, name).real(2, value)));
            return Optional.of(message.bytes());
        }

        private Protobuf.Writer record(int from, int to) {
            long[] offsets = new long[to - from + 1];
            for (int r = from; r < to; r++) {
                long bytes = (long) Float.BYTES * outcome.logProbs().get(r).length;
                offsets[r - from + 1] = offsets[r - from] + bytes;
            }
            float[] all = new float[(int) (offsets[to - from] / Float.BYTES)];
            for (int r = from; r < to; r++) {
                float[] own = outcome.logProbs().get(r);
                System.arraycopy(own, 0, all, (int) (offsets[r - from] / Float.BYTES), own.length);
            }
            var tensor = new Protobuf.Writer().floats(1, all).longs(2, offsets).number(3, FLOAT32);
            if (width(from) > 1) {
                tensor.number(4, width(from));
            }
            var field = new Protobuf.Writer().text(1, "logprobs").message(2, tensor);
            return new Protobuf.Writer().text(1, TYPE).message(2, field).number(3, to - from);
        }
    }

    /// Sampled sequences.
    ///
    /// @param prompt log-probabilities of the prompt's tokens, if they are told
    /// @param top how many of the likeliest tokens are told in their places
    /// @param tokens of the prompt
    record Samples(
            List<SampledCompletion> completions,
            Optional<PromptLogProbs> prompt,
            int top,
            int tokens)
            implements TinkerReply {
        private static final float NOTHING = -99999;

        @Override
        public String json() {
            List<Map<String, Object>> sequences = new ArrayList<>();
            for (SampledCompletion completion : completions) {
                Map<String, Object> one = new LinkedHashMap<>();
                one.put("stop_reason", completion.reason().finishReason());
                one.put("tokens", completion.ids());
                one.put("logprobs", completion.logProbs());
                if (!completion.top().isEmpty()) {
                    one.put("topk_logprobs", likeliest(completion.top()));
                }
                sequences.add(one);
            }
            Map<String, Object> value = new LinkedHashMap<>();
            value.put("type", "sample");
            value.put("sequences", sequences);
            prompt.ifPresent(
                    p -> {
                        List<Object> own = new ArrayList<>();
                        own.add(null);
                        for (float one : p.values()) {
                            own.add(one);
                        }
                        value.put("prompt_logprobs", own);
                        if (top > 0) {
                            List<Object> places = likeliest(p.top());
                            places.addFirst(null);
                            value.put("topk_prompt_logprobs", places);
                        }
                    });
            return Json.compact(value);
        }

        private static List<Object> likeliest(List<TopTokens> places) {
            List<Object> all = new ArrayList<>();
            for (TopTokens place : places) {
                all.add(
                        IntStream.range(0, place.ids().length)
                                .mapToObj(i -> List.of(place.ids()[i], place.logProbs()[i]))
                                .toList());
            }
            return all;
        }

        @Override
        public Optional<byte[]> message() {
            var message = new Protobuf.Writer();
            for (SampledCompletion completion : completions) {
                var one =
                        new Protobuf.Writer()
                                .number(1, completion.reason().isFinished() ? 0 : 1)
                                .ints(2, completion.ids())
                                .floats(3, completion.logProbs());
                List<TopTokens> places = completion.top();
                if (!places.isEmpty()) {
                    int most = places.stream().mapToInt(p -> p.ids().length).max().orElse(0);
                    one.message(4, matrices(places, most, 0));
                }
                message.message(1, one);
            }
            prompt.ifPresent(
                    p -> {
                        float[] values = new float[tokens];
                        values[0] = Float.NaN; // nothing predicts the first token
                        System.arraycopy(p.values(), 0, values, 1, p.values().length);
                        message.floats(2, values);
                        if (top > 0) {
                            message.message(3, matrices(p.top(), top, 1));
                        }
                    });
            return Optional.of(message.bytes());
        }

        /// @param most tokens in a place
        /// @param before places without any
        private static Protobuf.Writer matrices(List<TopTokens> places, int most, int before) {
            int length = places.size() + before;
            int[] ids = new int[length * most];
            float[] logProbs = new float[length * most];
            Arrays.fill(logProbs, NOTHING);
            for (int t = before; t < length; t++) {
                TopTokens place = places.get(t - before);
                for (int k = 0; k < Math.min(most, place.ids().length); k++) {
                    ids[t * most + k] = place.ids()[k];
                    logProbs[t * most + k] = place.logProbs()[k];
                }
            }
            return new Protobuf.Writer()
                    .ints(1, ids)
                    .floats(2, logProbs)
                    .number(3, most)
                    .number(4, length);
        }
    }

    /// Why there is no result.
    ///
    /// @param own whether it is the server's fault
    record Failed(String why, boolean own) implements TinkerReply {
        @Override
        public String json() {
            return Json.compact(Map.of("error", why, "category", own ? "server" : "user"));
        }

        @Override
        public Optional<byte[]> message() {
            return Optional.empty();
        }
    }
}
