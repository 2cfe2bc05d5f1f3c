package org.attune.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;

import org.attune.error.ServerException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
final class HttpAskTest {
    /// A reply whose status the JDK treats specially when it can't send a body again.
    @Test
    void aRefusalIsAReply() throws Exception {
        var server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    exchange.sendResponseHeaders(401, 3);
                    exchange.getResponseBody().write("no!".getBytes(StandardCharsets.UTF_8));
                    exchange.close();
                });
        server.start();
        try {
            URI url = URI.create("http://localhost:" + server.getAddress().getPort());
            ServerReply reply =
                    new JsonPost(url, Duration.ofSeconds(20), 1000, Optional.of("k")).send("{}");
            assertEquals(401, reply.status());
        } finally {
            server.stop(0);
        }
    }

    @Test
    void whereNothingAnswersTheAddressAndTheAdviceAreSaid() throws Exception {
        int free;
        try (var socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        String here = "http:" + "//127.0.0.1:" + free;
        assertTrue(
                problem(here + "/v1")
                        .startsWith(
                                "%s/v1 can't be reached: nothing answers at 127.0.0.1:%d"
                                        .formatted(here, free)),
                problem(here + "/v1"));
        assertTrue(problem(here + "/v1").contains("; start it"), problem(here + "/v1"));
        String nowhere = problem("http:" + "//nowhere.invalid");
        assertTrue(nowhere.contains("there is no host nowhere.invalid; start it"), nowhere);
        URI usual = URI.create("https:" + "//u:p@a.example/x");
        assertEquals(
                "nothing answers at a.example:443", HttpAsk.why(usual, new ConnectException()));
    }

    private static String problem(String url) {
        var post = new JsonPost(URI.create(url), Duration.ofSeconds(20), 1000, Optional.empty());
        var patient = new PatientPost(post, Duration.ofMillis(1), new Start());
        return assertThrows(ServerException.class, () -> patient.send("{}")).getMessage();
    }

    private record Start() implements PatientPost.Advice {
        @Override
        public String late() {
            return "late";
        }

        @Override
        public String unreachable() {
            return "start it";
        }

        @Override
        public String tooLarge() {
            return "large";
        }

        @Override
        public String refused(int status) {
            return "refused";
        }
    }

    /// A server that reads a request and ends the connection: nobody knows whether it acted.
    @Test
    void aRequestIsSentOnce() throws Exception {
        var requests = new AtomicInteger();
        try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.startVirtualThread(
                    () -> {
                        while (!server.isClosed()) {
                            try (Socket socket = server.accept()) {
                                requests.incrementAndGet();
                                int read = socket.getInputStream().read(new byte[4096]);
                                socket.getOutputStream().write(new byte[0], 0, Math.min(read, 0));
                            } catch (IOException e) {
                                return;
                            }
                        }
                    });
            var ask =
                    new HttpAsk(
                            "POST",
                            URI.create("http://localhost:" + server.getLocalPort()),
                            Map.of(),
                            Optional.of("{}"),
                            Duration.ofSeconds(20));
            assertThrows(IOException.class, () -> ask.send((status, _, _) -> status));
        }
        assertEquals(1, requests.get());
    }
}
