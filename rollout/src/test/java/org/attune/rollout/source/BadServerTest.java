package org.attune.rollout.source;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.RolloutException;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.ByteTokens;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// Servers that begin an answer and never end it, or say that it is enormous.
@Timeout(120)
class BadServerTest {
    private static final String OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    private static final String CHUNKED = OK + "Transfer-Encoding: chunked\r\n\r\n";
    private static final SamplingConfig SAMPLING =
            SamplingConfig.of(Distribution.plain(), 5, Set.of(ByteTokens.EOS), 3);

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private ServerSocket socket;

    @FunctionalInterface
    private interface Answer {
        void write(OutputStream out) throws IOException, InterruptedException;
    }

    @BeforeEach
    void open() throws IOException {
        socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void close() throws IOException {
        socket.close();
        threads.shutdownNow();
    }

    private String failure(Duration timeout, Answer answer) {
        var _ =
                threads.submit(
                        () -> {
                            while (true) {
                                Socket connection = socket.accept();
                                var _ = threads.submit(() -> serve(connection, answer));
                            }
                        });
        var connection =
                new ServerRollouts.Connection(
                        "http://localhost:%d/v1".formatted(socket.getLocalPort()),
                        "m",
                        timeout,
                        2,
                        Optional.empty(),
                        Duration.ofMillis(1));
        var source = new ServerRollouts(connection, SAMPLING, new ByteTokens());
        return assertThrows(
                        RolloutException.class,
                        () ->
                                source.complete(
                                        List.of(
                                                RolloutPrompt.of(0, new int[] {65}),
                                                RolloutPrompt.of(1, new int[] {66})),
                                        0))
                .getMessage();
    }

    private static Void serve(Socket connection, Answer answer)
            throws IOException, InterruptedException {
        try (connection) {
            InputStream in = connection.getInputStream();
            in.read(new byte[1 << 16]);
            answer.write(connection.getOutputStream());
        }
        return null;
    }

    private static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private void assertLate(Answer answer) {
        String message = failure(Duration.ofMillis(300), answer);
        assertTrue(message.contains("no whole answer in 0.3 s"), message);
        assertTrue(message.contains("rollout_server_timeout"), message);
        assertTrue(message.contains("(5 attempts)"), message);
    }

    @Test
    void aBodyThatNeverComesIsNoAnswer() {
        assertLate(
                out -> {
                    send(out, OK + "Content-Length: 100\r\n\r\n");
                    Thread.sleep(60_000);
                });
    }

    @Tag("thorough")
    @Test
    void aBodyThatDripsIsNoAnswer() {
        assertLate(
                out -> {
                    send(out, CHUNKED);
                    while (true) {
                        send(out, "1\r\n \r\n");
                        Thread.sleep(50);
                    }
                });
    }

    @Tag("thorough")
    @Test
    void headersThatDripAreNoAnswer() {
        assertLate(
                out -> {
                    send(out, OK);
                    while (true) {
                        send(out, "X: y\r\n");
                        Thread.sleep(50);
                    }
                });
    }

    @Test
    void aLengthThatNoCompletionHasIsRefusedBeforeItIsRead() {
        String message =
                failure(
                        Duration.ofSeconds(60),
                        out -> {
                            send(out, OK + "Content-Length: 9000000000\r\n\r\n");
                            Thread.sleep(60_000);
                        });
        assertTrue(message.contains("answers with more than 4106 KiB"), message);
    }

    @Test
    void aBodyThatNeverEndsIsCutOff() {
        String block = "10000\r\n" + " ".repeat(1 << 16) + "\r\n";
        String message =
                failure(
                        Duration.ofSeconds(60),
                        out -> {
                            send(out, CHUNKED);
                            while (true) {
                                send(out, block);
                            }
                        });
        assertTrue(message.contains("answers with more than 4106 KiB"), message);
    }

    @Test
    void chunksThatAreCutWronglyAreNoAnswerAndLeaveNoThreadBehind() throws InterruptedException {
        String body = "{\"choices\": [{\"text\": \"ab\"}]}";
        for (String framing :
                List.of("8f\r\n%s\r\n0\r\n\r\n", "5\r\n%s\r\n0\r\n\r\n", "zz\r\n%s", "\r\n%s")) {
            String message =
                    failure(
                            Duration.ofSeconds(20),
                            out -> send(out, CHUNKED + framing.formatted(body)));
            assertTrue(message.contains("can't be reached: java.io.IOException"), message);
        }
        long busy = busiestThread();
        assertTrue(busy < 100_000_000, busy + " ns of processor time in 200 ms");
    }

    @Test
    void aBodyShorterThanAnnouncedIsNoAnswer() {
        String message =
                failure(
                        Duration.ofSeconds(20),
                        out -> send(out, OK + "Content-Length: 50\r\n\r\n{\"choices\": []}"));
        assertTrue(message.contains("Premature EOF"), message);
    }

    /// The processor time that the busiest other thread takes in 200 ms, in nanoseconds.
    private static long busiestThread() throws InterruptedException {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        var before = new HashMap<Long, Long>();
        for (long id : threads.getAllThreadIds()) {
            before.put(id, threads.getThreadCpuTime(id));
        }
        before.remove(Thread.currentThread().threadId());
        Thread.sleep(200);
        return before.entrySet().stream()
                .mapToLong(e -> threads.getThreadCpuTime(e.getKey()) - e.getValue())
                .max()
                .orElse(0);
    }
}
