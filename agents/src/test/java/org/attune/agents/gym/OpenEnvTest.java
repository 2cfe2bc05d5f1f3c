package org.attune.agents.gym;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.ToolCaller;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/// A server that speaks WebSocket just well enough, with answers as OpenEnv gives them.
@Timeout(120)
final class OpenEnvTest {
    private static final String MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of("goal", 7L), 7, 0, 0);

    private ServerSocket server;
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private volatile Function<String, String> behaviour = _ -> "";

    @BeforeEach
    void serve() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.startVirtualThread(
                () -> {
                    try {
                        while (true) {
                            Socket socket = server.accept();
                            Thread.startVirtualThread(() -> converse(socket));
                        }
                    } catch (IOException e) {
                        // the test is over
                    }
                });
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private void converse(Socket socket) {
        try (socket) {
            var in = new DataInputStream(socket.getInputStream());
            OutputStream out = socket.getOutputStream();
            out.write(accepted(in).getBytes(StandardCharsets.US_ASCII));
            String text;
            while (!(text = frame(in)).isEmpty()) {
                asked.add(text);
                String answer = behaviour.apply(text);
                if (!answer.isEmpty()) {
                    byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
                    boolean isShort = bytes.length < 126;
                    out.write(new byte[] {(byte) 0x81, (byte) (isShort ? bytes.length : 126)});
                    if (!isShort) {
                        out.write(new byte[] {(byte) (bytes.length >> 8), (byte) bytes.length});
                    }
                    out.write(bytes);
                    out.flush();
                }
            }
        } catch (IOException | GeneralSecurityException e) {
            // the other side has left
        }
    }

    private static String accepted(DataInputStream in)
            throws IOException, GeneralSecurityException {
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.readUnsignedByte());
        }
        String key =
                head.toString()
                        .lines()
                        .filter(
                                line ->
                                        line.toLowerCase(Locale.ROOT)
                                                .startsWith("sec-websocket-key:"))
                        .findFirst()
                        .orElseThrow()
                        .split(":", 2)[1]
                        .strip();
        byte[] hash =
                MessageDigest.getInstance("SHA-1")
                        .digest((key + MAGIC).getBytes(StandardCharsets.US_ASCII));
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
                .formatted(Base64.getEncoder().encodeToString(hash));
    }

    /// The text of a frame; empty if the other side ends.
    private static String frame(DataInputStream in) throws IOException {
        int kind = in.readUnsignedByte() & 15;
        int length = in.readUnsignedByte() & 127;
        if (length == 126) {
            length = in.readUnsignedShort();
        }
        byte[] mask = in.readNBytes(4);
        byte[] bytes = in.readNBytes(length);
        for (int i = 0; i < length; i++) {
            bytes[i] ^= mask[i % 4];
        }
        return kind == 1 ? new String(bytes, StandardCharsets.UTF_8) : "";
    }

    private RunTools run(Map<String, Object> more) {
        var entry = new LinkedHashMap<String, Object>(more);
        entry.put("openenv", "http://localhost:" + server.getLocalPort());
        entry.put("timeout", 5);
        return RunTools.parse(null, Map.of("game", entry), Path.of(""));
    }

    private static String seen(String observation, double reward, boolean done) {
        return "{\"type\": \"observation\", \"data\": {\"observation\": %s, \"reward\": %s, \"done\": %s}}"
                .formatted(observation, reward, done);
    }

    private static ParsedTurn said(String content) {
        return new ParsedTurn(Message.of("assistant", content), List.of(), List.of(), false);
    }

    @Test
    void aTurnIsAnAction() throws Exception {
        behaviour =
                text ->
                        text.contains("\"reset\"")
                                ? seen("{\"text\": \" Say 7.\"}", 0, false)
                                : text.contains("\"7\"")
                                        ? seen("{\"text\": \"right\"}", 1, true)
                                        : seen("{\"text\": \"wrong\"}", -0.5, false);
        try (RunTools run = run(Map.of("action", "message", "observation", "text"));
                Environment game = run.environments().get("game").make()) {
            assertEquals(Opening.appended(" Say 7."), game.reset(START));
            assertEquals(List.of(), game.tools());
            assertEquals(Step.observe("wrong", -0.5), game.step(said("3"), 0));
            assertEquals(new Step.Done(1, true), game.step(said("7"), 1));
            assertEquals(OptionalDouble.empty(), game.reward(ended()));
        }
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (asked.size() < 4 && System.nanoTime() < end) {
            Thread.sleep(5); // nobody waits for what is said at the close
        }
        assertEquals(
                List.of(
                        "{\"type\": \"reset\", \"data\": {\"goal\": 7, \"seed\": 7}}",
                        "{\"type\": \"step\", \"data\": {\"message\": \"3\"}}",
                        "{\"type\": \"step\", \"data\": {\"message\": \"7\"}}",
                        "{\"type\": \"close\", \"data\": {}}"),
                asked);
    }

    private static Episode ended() {
        return new Episode(
                START, List.of(), new int[0], List.of(), EndReason.ANSWERED, Map.of(), Map.of());
    }

    @Test
    void toolsOfTheEnvironmentAreOffered() throws Exception {
        behaviour =
                text ->
                        text.contains("list_tools")
                                ? seen(
                                        "{\"tools\": [{\"name\": \"bump\", \"input_schema\":"
                                                + " {\"type\": \"object\"}}]}",
                                        0,
                                        false)
                                : text.contains("call_tool")
                                        ? text.contains("-1")
                                                ? seen(
                                                        "{\"error\": {\"message\": \"no luck\"}}",
                                                        0,
                                                        false)
                                                : seen("{\"result\": {\"data\": 42}}", 0.5, true)
                                        : seen("{}", 0.25, false);
        try (RunTools run = run(Map.of());
                var caller = new ToolCaller();
                Environment game = run.environments().get("game").make()) {
            assertEquals(Opening.NOTHING, game.reset(START));
            var good = new ToolCall(Optional.empty(), "bump", Map.of("by", 2L), "");
            var bad = new ToolCall(Optional.empty(), "bump", Map.of("by", -1L), "");
            assertEquals(
                    "42", caller.call(game.tools(), List.of(good), START, 0).getFirst().text());
            assertEquals(
                    "error: no luck",
                    caller.call(game.tools(), List.of(bad), START, 1).getFirst().text());
            assertEquals(Step.END, game.step(said("done"), 2));
            assertEquals(OptionalDouble.of(0.75), game.reward(ended()));
        }
    }

    @Test
    void failuresOfTheServerAreTheWorlds() throws Exception {
        behaviour = _ -> "{\"type\": \"error\", \"data\": {\"message\": \"no capacity\"}}";
        try (RunTools run = run(Map.of());
                Environment game = run.environments().get("game").make()) {
            var failure = assertThrows(IOException.class, () -> game.reset(START));
            assertTrue(failure.getMessage().endsWith("no capacity"), failure.getMessage());
        }
    }
}
