package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.UnixOperatingSystemMXBean;

import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.ProcessMemory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Many clients at once that send nonsense, go away or read nothing.
@Tag("slow")
class HostileClientsTest {
    private static final List<String> PATHS =
            List.of(
                    "/v1/chat/completions",
                    "/v1/completions",
                    "/v1/responses",
                    "/v1/messages",
                    "/v1/score",
                    "/v1/score/evaluation",
                    "/v1/rerank",
                    "/tokenize",
                    "/detokenize",
                    "/v1/load_lora_adapter");

    private static final int SEQUENCES = 64;
    private static final String SHORT = ",\"temperature\":0,\"max_tokens\":12";
    private static final String LONG = ",\"ignore_eos\":true,\"max_tokens\":200";

    private static AskedServer server;
    private static String answer; // to a short question, when nobody else asked

    @BeforeAll
    static void open() {
        server = new AskedServer(c -> c.withMaxNumSeqs(8).withMaxWaiting(2000));
        answer = server.chat(SHORT).at("/choices/0/message/content").asText();
    }

    @AfterAll
    static void close() {
        server.close();
    }

    /// It answers, and rightly.
    private static void works(AskedServer server) {
        String said = server.chat(SHORT).at("/choices/0/message/content").asText();
        assertEquals(answer, said);
    }

    @Test
    @Timeout(120)
    void twoThousandBrokenRequestsEndInErrors() throws IOException {
        String whole =
                "{"
                        + AskedServer.QUESTION
                        + ",\"max_tokens\":1,\"prompt\":\"a\",\"stop\":[\"a\"],\"n\":1,\"top_p\":0.5,\"input\":[1],\"text_1\":\"a\",\"documents\":[{}],\"tools\":[],\"response_format\":{\"type\":\"json_object\"}}";
        var random = new Random(11);
        for (int i = 0; i < 2000; i++) {
            String path = PATHS.get(i % PATHS.size());
            var text = new StringBuilder(whole);
            for (int change = 0; change <= i % 7; change++) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.delete(at, Math.min(text.length(), at + random.nextInt(40)));
                    case 1 -> text.insert(at, "{}[]\",:0-e\u0000\ud83d".charAt(random.nextInt(12)));
                    default -> text.setCharAt(at, (char) (32 + random.nextInt(96)));
                }
            }
            if (i % 4 == 0) {
                garbage(path, text.toString(), random);
            } else {
                int status = server.post(path, text.toString()).statusCode();
                assertTrue(status < 500, status + " of " + path + ": " + text);
            }
        }
        works(server);
    }

    /// A request that is no HTTP, or that is cut.
    private static void garbage(String path, String body, Random random) throws IOException {
        String head =
                "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                        .formatted(path, body.length() + random.nextInt(3));
        byte[] bytes = (head + body).getBytes(StandardCharsets.UTF_8);
        if (random.nextBoolean()) {
            bytes[random.nextInt(head.length())] = (byte) random.nextInt(256);
        }
        try (Socket socket = server.socket()) {
            socket.getOutputStream().write(bytes, 0, random.nextInt(bytes.length));
        }
    }

    /// Half of them stream, some wait for their place still. What was theirs is given back.
    @Test
    @Timeout(300)
    void aHundredClientsThatVanishLeaveNothing() throws Exception {
        try (var busy = new AskedServer(c -> c.withMaxNumSeqs(SEQUENCES))) {
            vanish(busy); // what is made the first time only
            vanish(busy);
            Traces before = Traces.settled();
            for (int i = 0; i < 3; i++) {
                vanish(busy);
            }
            Traces after = Traces.settled();
            for (int i = 0; i < 100 && after.isMoreThan(before); i++) {
                Thread.sleep(100); // connections are closed a little later
                after = Traces.settled();
            }
            System.out.println("300 clients gone: " + before + ", then " + after);
            assertFalse(after.isMoreThan(before), before + ", then " + after);
            works(busy);
        }
    }

    private static void vanish(AskedServer server) throws Exception {
        List<Socket> sockets = new ArrayList<>();
        long before = server.metric("generation_tokens_total");
        for (int i = 0; i < 100; i++) {
            sockets.add(server.socket());
            ask(sockets.getLast(), LONG + (i % 2 == 0 ? ",\"stream\":true" : ""));
        }
        while (server.metric("num_requests_running") < SEQUENCES
                || server.metric("generation_tokens_total") < before + 5 * SEQUENCES) {
            Thread.sleep(10);
        }
        for (Socket socket : sockets) {
            // What was read doesn't make the kernel refuse what comes.
            socket.getInputStream().skipNBytes(socket.getInputStream().available());
            socket.close();
        }
        long gone = System.nanoTime();
        long made = server.metric("generation_tokens_total");
        assertTrue(active(server) > 0, "they were answered before");
        while (active(server) > 0) {
            Thread.sleep(10);
        }
        double seconds = (System.nanoTime() - gone) / 1e9;
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        System.out.printf(
                "%.2f s after the last client no answer is under way; passes of %d sequences"
                        + " meanwhile: %d; load %.1f%n",
                seconds,
                SEQUENCES,
                (server.metric("generation_tokens_total") - made) / SEQUENCES,
                load);
        assertTrue(seconds < 2, seconds + " s at a load of " + load);
    }

    private static long active(AskedServer server) {
        return server.metric("num_requests_running") + server.metric("num_requests_waiting");
    }

    /// What a process holds.
    ///
    /// @param tensors that are alive
    /// @param bytes that `malloc` has handed out
    /// @param files that are open, sockets included
    /// @param threads of the system and virtual ones
    /// @param heap bytes of Java objects
    private record Traces(long tensors, long bytes, long files, long threads, long heap) {
        private static final long SOME = 2 << 20; // of what the JVM takes for itself

        static Traces settled() throws IOException {
            System.gc();
            var system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            Path dump = Files.createTempDirectory("threads").resolve("dump");
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .dumpThreads(
                            dump.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
            long threads = Files.readAllLines(dump).stream().filter(l -> l.startsWith("#")).count();
            Files.delete(dump);
            Files.delete(dump.getParent());
            return new Traces(
                    Engine.call(TensorScope::liveTensors),
                    ProcessMemory.nativeBytes(),
                    system.getOpenFileDescriptorCount(),
                    threads,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }

        boolean isMoreThan(Traces before) {
            return tensors > before.tensors
                    || bytes > before.bytes + SOME
                    || files > before.files
                    || threads > before.threads + 2 // of the pool of the JVM
                    || heap > before.heap + SOME;
        }
    }

    /// Half of them read everything in the end, and it is right.
    @Test
    @Timeout(120)
    void sixtyFourReadersThatReadNothingHoldUpNobody() throws Exception {
        String keys = LONG + ",\"temperature\":0,\"logprobs\":true,\"top_logprobs\":20";
        String expected = server.chat(keys).at("/choices/0/message/content").asText();
        List<Socket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 64; i++) {
                sockets.add(server.socket());
                ask(sockets.getLast(), keys + ",\"stream\":true");
            }
            works(server);
            for (Socket socket : sockets.subList(0, 32)) {
                assertEquals(expected, streamed(socket));
            }
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
        works(server);
    }

    /// The text of a streamed answer.
    private static String streamed(Socket socket) throws IOException {
        var text = new StringBuilder();
        var lines =
                new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        for (String line = lines.readLine();
                !line.equals("data: [DONE]");
                line = lines.readLine()) {
            if (line.startsWith("data: ")) {
                JsonNode event = AskedServer.tree(line.substring("data: ".length()));
                text.append(event.at("/choices/0/delta/content").asText());
            }
        }
        return text.toString();
    }

    private static void ask(Socket socket, String keys) throws IOException {
        String body = "{" + AskedServer.QUESTION + keys + "}";
        socket.getOutputStream()
                .write(
                        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                .formatted(body.length(), body)
                                .getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
    }
}
