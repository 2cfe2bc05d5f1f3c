package org.attune.cli.serve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/// Clients of the training service, by the requests that Tinker's library sends.
@Tag("thorough")
class TinkerDeskTest extends TinkerServer {
    /// What the library sent for two rows and the loss `ppo`, of the training MODEL.
    private static final String MESSAGE =
            "0a054d4f44454c10011a88010a100a0e0a0c530000006f0000007200000012210a0a616476616e74616765731213"
                + "0a0c000000000000803f000080bf1801220103121f0a086c6f6770726f627312130a0c000080bf000000c0000000"
                + "bf180122010312300a0d7461726765745f746f6b656e73121f0a186f000000000000007200000000000000740000"
                + "000000000018022201031a600a080a060a040100000012190a0a616476616e7461676573120b0a04000000401801"
                + "22010112170a086c6f6770726f6273120b0a04000040c0180122010112200a0d7461726765745f746f6b656e7312"
                + "0f0a0802000000000000001802220101220370706f2a1e0a13636c69705f686967685f7468726573686f6c64119a"
                + "9999999999f13f2a1d0a12636c69705f6c6f775f7468726573686f6c6411cdccccccccccec3f3a200a13636c6970"
                + "5f686967685f7468726573686f6c641209099a9999999999f13f3a1f0a12636c69705f6c6f775f7468726573686f"
                + "6c64120909cdccccccccccec3f";

    /// Two adapters in turn; requests that come too early wait, and one that comes again counts
    /// once.
    @Test
    void adaptersLearnAndAreSampledFrom() throws Exception {
        String one = model(0, 4);
        String two = model(1, 2);
        assertEquals(one, fetch(promiseModel(0, 4)).path("model_id").asText());
        JsonNode late = step(one, 2);
        JsonNode first = learn(one, 1);
        assertEquals(first.path("request_id"), learn(one, 1).path("request_id"));
        JsonNode other = fetch(learn(two, 1));
        JsonNode before = fetch(first);
        assertEquals(loss(before), loss(other), 1e-4); // B is 0 in both
        assertEquals(
                3, before.path("loss_fn_outputs").path(0).path("logprobs").path("data").size());
        assertTrue(fetch(late).path("metrics").path("grad_norm").asDouble() > 0);
        String early = sampler(one, 3, 0);
        for (int seq = 4; seq < 12; seq += 2) {
            learn(one, seq);
            step(one, seq + 1);
        }
        double after = loss(fetch(learn(one, 12)));
        assertTrue(after < loss(before) - 0.5, after + " after " + before);
        assertEquals(loss(other), loss(fetch(learn(two, 2))), 1e-5); // whose adapter stayed
        String late2 = sampler(one, 13, 1);
        JsonNode base =
                ask(
                        "create_sampling_session",
                        "{\"session_id\":\"%s\",\"sampling_session_seq_id\":2,\"base_model\":\"model\"}"
                                .formatted(session));
        JsonNode then = sample(early, 0);
        JsonNode now = sample(late2, 0);
        JsonNode never = sample(base.path("sampling_session_id").asText(), 0);
        assertEquals(2, now.path("sequences").size());
        assertEquals(5, now.path("sequences").path(0).path("tokens").size());
        assertEquals("length", now.path("sequences").path(0).path("stop_reason").asText());
        assertTrue(now.path("prompt_logprobs").path(0).isNull());
        assertEquals(2, now.path("topk_prompt_logprobs").path(2).size());
        assertEquals(3, now.path("sequences").path(0).path("topk_logprobs").path(4).size());
        assertNotEquals(then.path("prompt_logprobs"), now.path("prompt_logprobs"));
        assertNotEquals(never.path("prompt_logprobs"), then.path("prompt_logprobs"));
        // What the sampler says of the prompt is what the training said of the same tokens.
        assertEquals(
                now.path("prompt_logprobs").path(1).asDouble(),
                fetch(learn(one, 14))
                        .path("loss_fn_outputs")
                        .path(0)
                        .path("logprobs")
                        .path("data")
                        .path(0)
                        .asDouble(),
                1e-4);
        assertEquals("model", get("samplers/" + early).path("base_model").asText());
    }

    @Test
    void checkpointsComeBackAsTheyWere() throws Exception {
        String one = model(0, 4);
        fetch(learn(one, 1));
        fetch(step(one, 2));
        String save =
                "{\"model_id\":\"%s\",\"seq_id\":%d,\"path\":\"%s\"%s}"
                        .formatted(one, 3, "half", "");
        String path = fetch(ask("save_weights", save)).path("path").asText();
        assertEquals("tinker://" + one + "/weights/half", path);
        assertTrue(
                fetch(ask("save_weights", save.replace(":3,", ":4,")))
                        .path("error")
                        .asText()
                        .contains("is there already"));
        learn(one, 5);
        step(one, 6);
        double end = loss(fetch(learn(one, 7)));
        String info = "{\"tinker_path\":\"%s\"}".formatted(path);
        assertEquals(4, ask("weights_info", info).path("lora_rank").asInt());
        String load =
                "{\"session_id\":\"%s\",\"model_seq_id\":5,\"path\":\"%s\",\"optimizer\":true}"
                        .formatted(session, path);
        String again = fetch(ask("load_weights", load)).path("model_id").asText();
        assertEquals(session + ":train:5", again);
        learn(again, 1);
        step(again, 2);
        assertEquals(end, loss(fetch(learn(again, 3))));
        fetch(
                ask(
                        "load_weights",
                        "{\"model_id\":\"%s\",\"seq_id\":8,\"path\":\"%s\",\"optimizer\":true}"
                                .formatted(one, path)));
        learn(one, 9);
        step(one, 10);
        assertEquals(end, loss(fetch(learn(one, 11))));
        JsonNode kept =
                fetch(
                        ask(
                                "save_weights_for_sampler",
                                "{\"model_id\":\"%s\",\"seq_id\":12,\"path\":\"end\"}"
                                        .formatted(one)));
        String sampler =
                ask(
                                "create_sampling_session",
                                "{\"session_id\":\"%s\",\"sampling_session_seq_id\":0,\"model_path\":%s}"
                                        .formatted(session, kept.path("path")))
                        .path("sampling_session_id")
                        .asText();
        // Neighbours change the rounding.
        assertEquals(
                sample(sampler(one, 13, 1), 0).path("prompt_logprobs").path(2).asDouble(),
                sample(sampler, 0).path("prompt_logprobs").path(2).asDouble(),
                1e-4);
        isListedUntilItIsDeleted(one, info);
    }

    private void isListedUntilItIsDeleted(String one, String info) throws Exception {
        String list = "training_runs/" + one + "/checkpoints";
        assertEquals(2, get(list).path("checkpoints").size());
        HttpResponse<String> deleted =
                client.send(
                        request(list + "/weights/half").DELETE().build(), BodyHandlers.ofString());
        assertEquals(204, deleted.statusCode());
        assertEquals(1, get(list).path("checkpoints").size());
        refused(404, "weights_info", info);
    }

    private JsonNode get(String path) throws Exception {
        return Json.tree(client.send(request(path).GET().build(), BodyHandlers.ofString()).body());
    }

    /// A message that the library sent, and the one that it reads.
    @Test
    void messagesAreReadAndWritten() throws Exception {
        String one = model(0, 4);
        String text = new String(HexFormat.of().parseHex(MESSAGE), StandardCharsets.ISO_8859_1);
        // The id has another length in the recorded message: its first field.
        ByteBuffer rest =
                ByteBuffer.wrap(text.substring(2 + 5).getBytes(StandardCharsets.ISO_8859_1));
        byte[] head = new Protobuf.Writer().text(1, one).bytes();
        byte[] body =
                ByteBuffer.allocate(head.length + rest.remaining()).put(head).put(rest).array();
        HttpResponse<String> promise =
                client.send(
                        request("forward_backward")
                                .setHeader("Content-Type", "application/x-protobuf")
                                .POST(BodyPublishers.ofByteArray(body))
                                .build(),
                        BodyHandlers.ofString());
        assertEquals(200, promise.statusCode(), promise.body());
        String id = Json.tree(promise.body()).path("request_id").asText();
        JsonNode json = ask("retrieve_future", "{\"request_id\":\"%s\"}".formatted(id));
        HttpResponse<byte[]> response =
                client.send(
                        request("retrieve_future")
                                .header("Accept", "application/x-protobuf")
                                .POST(
                                        BodyPublishers.ofString(
                                                "{\"request_id\":\"%s\"}".formatted(id)))
                                .build(),
                        BodyHandlers.ofByteArray());
        assertEquals("application/x-protobuf", response.headers().firstValue("Content-Type").get());
        Protobuf message = Protobuf.read(ByteBuffer.wrap(response.body()));
        assertEquals("ArrayRecord", message.text(1));
        Protobuf record = message.last(2).get().message();
        assertEquals(2, record.value(3));
        Protobuf tensor = record.last(2).get().message().last(2).get().message();
        ByteBuffer numbers = tensor.last(1).get().numbers();
        float[] values = new float[4];
        numbers.asFloatBuffer().get(values);
        ByteBuffer offsets = tensor.last(2).get().numbers();
        assertArrayEquals(
                new long[] {0, 12, 16},
                new long[] {offsets.getLong(), offsets.getLong(), offsets.getLong()});
        JsonNode outputs = json.path("loss_fn_outputs");
        for (int t = 0; t < 3; t++) {
            assertEquals(
                    outputs.path(0).path("logprobs").path("data").path(t).floatValue(), values[t]);
        }
        double[] advantages = {0, 1, -1, 2};
        double[] sampled = {-1, -2, -0.5, -3};
        double loss = 0;
        for (int t = 0; t < 4; t++) {
            double ratio = Math.exp(values[t] - sampled[t]);
            double held = Math.clamp(ratio, 0.9, 1.1) * advantages[t];
            loss -= Math.min(ratio * advantages[t], held);
        }
        assertEquals(loss, loss(json), 1e-5);
        assertEquals(loss, Double.longBitsToDouble(message.last(3).get().message().value(2)), 1e-5);
        assertTrue(fetch(step(one, 2)).path("metrics").path("grad_norm").asDouble() > 0);
    }

    @Test
    void whatIsWrongIsSaidAndTheTrainingGoesOn() throws Exception {
        String one = model(0, 4);
        int seq = 1;
        for (String[] wrong :
                List.of(
                        new String[] {"cross_entropy", "cross_entropi", "accepted: cross_entropy"},
                        new String[] {"[83,111]", "[83,-1]", "row 0 has the id -1"},
                        new String[] {"[111,114,116]", "[111,114]", "shape"},
                        new String[] {"[111,114,116]", "[111,114.5,116]", "token ids"},
                        new String[] {"\"weights\"", "\"mask\"", "\"mask\" in loss_fn_inputs"},
                        new String[] {"encoded_text\",\"tokens\":[114]", "image\"", "\"image\""},
                        new String[] {"\"loss_fn\"", "\"more\":1,\"loss_fn\"", "is no key"},
                        new String[] {"int64", "int64\",\"x\":\"", "shape"})) {
            String rows = ROWS.replace(wrong[0], wrong[1]);
            if (wrong[2].equals("is no key") || rows.contains("\"x\"")) {
                post(
                        "forward_backward",
                        learning(one, 1000, rows)); // read before its turn is known
                continue;
            }
            String said = refused(400, "forward_backward", learning(one, seq++, rows));
            assertTrue(said.contains(wrong[2]), said);
        }
        String said =
                refused(
                        400,
                        "optim_step",
                        "{\"model_id\":\"%s\",\"seq_id\":%d,\"adam_params\":{\"beta1\":1}}"
                                .formatted(one, seq++));
        assertTrue(said.contains("beta1"), said);
        for (String name : List.of("../x", "a/b", "", ".x", "x".repeat(101), "a\u0000")) {
            refused(
                    400,
                    "save_weights",
                    "{\"model_id\":\"%s\",\"seq_id\":%d,\"path\":%s}"
                            .formatted(one, seq++, Json.write(name)));
        }
        for (String path :
                List.of(
                        "/etc/passwd",
                        "tinker://../weights/x",
                        "tinker://" + one + "/weights/../../..",
                        "tinker://" + one + "/other/x")) {
            refused(
                    400,
                    "load_weights",
                    "{\"model_id\":\"%s\",\"seq_id\":%d,\"path\":\"%s\",\"optimizer\":false}"
                            .formatted(one, seq++, path));
        }
        refused(404, "optim_step", "{\"model_id\":\"x\",\"seq_id\":1,\"adam_params\":{}}");
        refused(410, "retrieve_future", "{\"request_id\":\"x\"}");
        refused(400, "create_model", "{\"session_id\":\"" + session + "\",\"base_model\":\"gpt\"}");
        assertTrue(loss(fetch(learn(one, seq))) > 0);
        try (Stream<Path> files = Files.walk(folder)) {
            assertEquals(List.of(), files.filter(Files::isRegularFile).toList());
        }
    }

    @Test
    void damagedRequestsAreRefused() throws Exception {
        String one = model(0, 2);
        var random = new Random(8);
        byte[] message = HexFormat.of().parseHex(MESSAGE);
        List<String> bodies =
                List.of(
                        learning(one, 1, ROWS),
                        "{\"session_id\":\"%s\",\"sampling_session_seq_id\":1,\"model_path\":\"tinker://a/weights/b\"}"
                                .formatted(session));
        for (int i = 0; i < 400; i++) {
            var text = new StringBuilder(bodies.get(i % 2));
            for (int change = 0; change <= i % 5; change++) {
                int at = 60 + random.nextInt(text.length() - 60);
                text.setCharAt(at, "{}[]\",:0-9e".charAt(random.nextInt(11)));
            }
            String path = i % 2 == 0 ? "forward" : "create_sampling_session";
            int status = post(path, text.toString()).statusCode();
            assertTrue(status < 500, status + " of " + text);
            byte[] bytes = message.clone();
            for (int change = 0; change <= i % 5; change++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            status =
                    client.send(
                                    request("forward_backward")
                                            .setHeader("Content-Type", "application/x-protobuf")
                                            .POST(
                                                    BodyPublishers.ofByteArray(
                                                            bytes, 0, random.nextInt(bytes.length)))
                                            .build(),
                                    BodyHandlers.ofString())
                            .statusCode();
            assertTrue(status >= 400 && status < 500, "" + status);
        }
        assertTrue(loss(fetch(learn(one, 1))) > 0);
    }

    @Test
    void limitsHoldAndUnusedSessionsEnd() throws Exception {
        server.close();
        open(1, Duration.ofSeconds(2));
        HttpResponse<String> without =
                client.send(
                        HttpRequest.newBuilder(
                                        server.url().resolve("/api/v1/get_server_capabilities"))
                                .build(),
                        BodyHandlers.ofString());
        assertEquals(401, without.statusCode());
        String one = model(0, 2);
        String why =
                refused(
                        429,
                        "create_model",
                        """
                        {"session_id":"%s","model_seq_id":1,"base_model":"model","lora_config":{"rank":2}}\
                        """
                                .formatted(session));
        assertTrue(why.contains("--tinker-adapters"), why);
        JsonNode waiting = step(one, 7); // behind requests that never come
        assertEquals("the training has ended", fetch(waiting).path("error").asText());
        session = session();
        assertFalse(model(0, 3).isEmpty());
        ask("get_info", "{\"model_id\":\"" + session + ":train:0\"}");
        HttpResponse<String> end =
                post(
                        "sessions/" + session + "/finish",
                        "{\"reason\":{\"type\":\"success\"},\"detail\":null}");
        assertEquals(204, end.statusCode());
        refused(404, "get_info", "{\"model_id\":\"" + session + ":train:0\"}");
    }
}
