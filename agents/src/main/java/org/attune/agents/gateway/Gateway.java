package org.attune.agents.gateway;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.http.ExchangeReply;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// An OpenAI-compatible endpoint on this machine alone: `/chat/completions`, `/completions`,
/// `/models` below `/v1`. The key of a request says which episode asks. Thread-safe.
final class Gateway implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Gateway.class);
    private static final int MOST_BYTES = 16 << 20; // of a request
    private static final int SMALL_BYTES = 1 << 20; // that many are let in without asking
    private static final int PATIENCE_SECONDS = 30;

    static {
        // The JDK's server has no limits unless properties say so: of connections, and of the
        // seconds in which a request must have come. It would also collect small pieces.
        ExchangeReply.limit("sun.net.httpserver.nodelay", "true");
        ExchangeReply.limit("jdk.httpserver.maxConnections", "1024");
        ExchangeReply.limit("sun.net.httpserver.maxReqTime", "120");
    }

    private static final String LOOPBACK = "127.0.0.1";
    private static final String BEARER = "Bearer ";

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Endpoint> episodes = new ConcurrentHashMap<>();

    /// MiB of large requests that may be in memory at once. As text and as JSON one takes several
    /// times its size.
    private final Semaphore largeMib =
            new Semaphore(
                    (int) Math.max(MOST_BYTES >> 20, Runtime.getRuntime().maxMemory() >> 26), true);

    private Gateway(HttpServer server) {
        this.server = server;
    }

    /// What answers an episode's requests, possibly several at once. It doesn't wait.
    @FunctionalInterface
    public interface Answering {
        /// @throws RequestException if it can't be answered
        PendingReply ask(ModelRequest request) throws RequestException;
    }

    /// The endpoint of one episode.
    public final class Endpoint implements AutoCloseable {
        private final String key = "episode-" + UUID.randomUUID();
        private final Answering answering;
        private final AtomicInteger replies = new AtomicInteger();

        private Endpoint(Answering answering) {
            this.answering = answering;
        }

        /// `OPENAI_BASE_URL`.
        public String url() {
            return "%s://%s:%d/v1".formatted("http", LOOPBACK, server.getAddress().getPort());
        }

        /// `OPENAI_API_KEY`.
        public String key() {
            return key;
        }

        /// Ends the episode: from now on its requests are refused.
        @Override
        public void close() {
            episodes.remove(key);
        }
    }

    /// Listens at a free port of the loopback address.
    ///
    /// @throws IOException if that isn't possible
    public static Gateway open() throws IOException {
        var gateway =
                new Gateway(
                        HttpServer.create(
                                new InetSocketAddress(InetAddress.ofLiteral(LOOPBACK), 0), 0));
        gateway.server.setExecutor(gateway.threads);
        gateway.server.createContext("/", gateway::handle);
        gateway.server.start();
        return gateway;
    }

    /// An endpoint for an episode.
    public Endpoint endpoint(Answering answering) {
        var endpoint = new Endpoint(answering);
        episodes.put(endpoint.key, endpoint);
        return endpoint;
    }

    private void handle(HttpExchange exchange) {
        try (exchange) {
            try {
                Endpoint endpoint = endpoint(exchange);
                answer(exchange, endpoint);
            } catch (RequestException e) {
                log.debug("a request was refused: {}", e.getMessage());
                send(exchange, e.status(), ReplyWriter.error(e));
            } catch (RuntimeException e) {
                log.warn("a request could not be answered", e);
                var said = new RequestException(500, "internal_error", e.toString());
                send(exchange, 500, ReplyWriter.error(said));
            }
        } catch (IOException e) {
            log.debug("a program no longer waits for its answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            log.warn("a request could not be answered", e);
        }
    }

    private static void send(HttpExchange exchange, int status, String json) throws IOException {
        ExchangeReply.whole(exchange, status, "application/json", json);
    }

    private Endpoint endpoint(HttpExchange exchange) throws RequestException {
        String given = exchange.getRequestHeaders().getFirst("Authorization");
        Endpoint endpoint =
                given == null || !given.startsWith(BEARER)
                        ? null
                        : episodes.get(given.substring(BEARER.length()).strip());
        if (endpoint == null) {
            throw new RequestException(
                    401,
                    "invalid_api_key",
                    "no episode that is under way has this key; OPENAI_API_KEY has it");
        }
        return endpoint;
    }

    private void answer(HttpExchange exchange, Endpoint endpoint)
            throws RequestException, IOException, InterruptedException {
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/v1/models") && exchange.getRequestMethod().equals("GET")) {
            send(exchange, 200, ReplyWriter.models());
            return;
        }
        boolean isChat = path.equals("/v1/chat/completions");
        if (!isChat && !path.equals("/v1/completions")) {
            throw new RequestException(
                    404,
                    "not_found",
                    path
                            + " isn't here; there are /v1/chat/completions, /v1/completions,"
                            + " /v1/models");
        }
        if (!exchange.getRequestMethod().equals("POST")) {
            throw new RequestException(405, "method_not_allowed", path + " takes a POST");
        }
        byte[] start = exchange.getRequestBody().readNBytes(SMALL_BYTES);
        if (start.length < SMALL_BYTES) {
            reply(exchange, endpoint, isChat, text(start));
            return;
        }
        if (!largeMib.tryAcquire(MOST_BYTES >> 20, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new RequestException(
                    503, "overloaded", "other large requests are being answered; ask again");
        }
        try {
            reply(exchange, endpoint, isChat, text(whole(start, exchange)));
        } finally {
            largeMib.release(MOST_BYTES >> 20);
        }
    }

    private static void reply(HttpExchange exchange, Endpoint endpoint, boolean isChat, String body)
            throws RequestException, IOException, InterruptedException {
        ModelRequest request = isChat ? RequestReader.chat(body) : RequestReader.text(body);
        var writer =
                new ReplyWriter(
                        (isChat ? "chatcmpl-" : "cmpl-") + endpoint.replies.incrementAndGet(),
                        isChat);
        PendingReply pending = endpoint.answering.ask(request);
        new ReplySender(exchange, request.form(), writer).send(pending);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static byte[] whole(byte[] start, HttpExchange exchange)
            throws IOException, RequestException {
        byte[] rest = exchange.getRequestBody().readNBytes(MOST_BYTES - start.length + 1);
        if (start.length + rest.length > MOST_BYTES) {
            throw new RequestException(
                    413, "too_large", "a request has more than %d MiB".formatted(MOST_BYTES >> 20));
        }
        byte[] all = Arrays.copyOf(start, start.length + rest.length);
        System.arraycopy(rest, 0, all, start.length, rest.length);
        return all;
    }

    /// Answers no more. Waits for nothing.
    @Override
    public void close() {
        episodes.clear();
        server.stop(0);
        threads.shutdownNow();
    }
}
