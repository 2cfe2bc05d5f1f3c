package org.attune.serve;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.error.AttuneException;
import org.attune.http.ExchangeReply;
import org.attune.models.LoadedModel;
import org.attune.rollout.generation.SequenceRequest;
import org.attune.rollout.generation.Ticket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.IntConsumer;

/// The JDK's HTTP server, a virtual thread for each request: lets in who may come, finds what
/// answers, and makes OpenAI's form of whatever goes wrong.
public final class HttpDoor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HttpDoor.class);
    private static final Duration STUCK = Duration.ofSeconds(30);

    static {
        // The JDK's server has hardly any limits unless properties say so. It reads them once.
        ExchangeReply.limit("sun.net.httpserver.nodelay", "true");
        ExchangeReply.limit("jdk.httpserver.maxConnections", "256");
        ExchangeReply.limit("sun.net.httpserver.maxReqTime", "30"); // seconds
        ExchangeReply.limit("sun.net.httpserver.maxReqHeaders", "100");
        ExchangeReply.limit("sun.net.httpserver.maxReqHeaderSize", "16384");
    }

    private final HttpServer server;
    private final Access access;
    private final List<Route> routes;
    private final IntConsumer answered;
    private final Map<String, String> headers;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<HttpExchange, ExchangeReply> replies = new ConcurrentHashMap<>();
    private final Thread watch;

    /// What answers requests of a kind.
    ///
    /// @param path of the request; one that ends in `/` has a name behind it
    /// @param isOpen whether no key is needed
    public record Route(String method, String path, boolean isOpen, Handler handler) {
        boolean leadsTo(String asked) {
            return path.endsWith("/") && path.length() > 1
                    ? asked.startsWith(path) && asked.length() > path.length()
                    : asked.equals(path);
        }
    }

    /// Who may ask a server.
    ///
    /// @param keys who gives one of them in `Authorization: Bearer …` is let in; none: everybody is
    /// @param cookie name of a cookie that may hold a key too, which a browser gets that asks for
    ///     `?token=KEY`; unset: there is none
    /// @param hosts names in the `Host` of requests besides `localhost`, as behind a proxy
    /// @param origins web pages of others that may ask, each as browsers name it in `Origin`
    public record Rules(
            List<String> keys, Optional<String> cookie, List<String> hosts, List<String> origins) {
        public Rules {
            keys = List.copyOf(keys);
            hosts = List.copyOf(hosts);
            origins = List.copyOf(origins);
        }
    }

    /// Answers a request.
    public interface Handler {
        void handle(Call call) throws ApiException, IOException, InterruptedException;
    }

    /// What answers some requests of a server of a model, beside OpenAI's.
    public interface Desk extends AutoCloseable {
        List<Route> routes();

        /// Ends what is under way. Requests come no more, and the model is open still.
        @Override
        void close();
    }

    /// The model of a server, for a [Desk].
    ///
    /// @param name that requests call it
    /// @param model borrowed
    /// @param stops tokens that end an answer
    /// @param length most tokens of a sequence
    /// @param generates has sequences generated side by side with those of all other requests: all
    ///     of them or none, with an [ApiException] if too many wait already
    public record Served(
            String name,
            LoadedModel model,
            Set<Integer> stops,
            int length,
            Function<List<SequenceRequest>, List<Ticket>> generates) {}

    /// Opens a server of a model with another desk.
    ///
    /// @param desk opens it; the server closes it
    /// @throws org.attune.error.AttuneException as [ModelServer#open], or of the desk
    public static ModelServer open(ServeConfig config, Function<Served, Desk> desk) {
        return ModelServer.open(config, Optional.of(models -> desk.apply(models.served())));
    }

    private HttpDoor(
            HttpServer server,
            Access access,
            List<Route> routes,
            Map<String, String> headers,
            IntConsumer answered) {
        this.server = server;
        this.access = access;
        this.routes = routes;
        this.headers = headers;
        this.answered = answered;
        watch = Thread.ofVirtual().name("attune-door").unstarted(this::watch);
    }

    /// Listens.
    ///
    /// @param headers that every response has
    /// @param answered is told the status of each response
    /// @throws IOException if the address or port can't be had
    /// @throws org.attune.error.ConfigException if others than this machine could ask without a key
    public static HttpDoor open(
            Rules rules,
            String host,
            int port,
            List<Route> routes,
            Map<String, String> headers,
            IntConsumer answered)
            throws IOException {
        InetAddress address = InetAddress.getByName(host);
        var access = new Access(rules, host, address);
        var server = HttpServer.create(new InetSocketAddress(address, port), 128);
        var door = new HttpDoor(server, access, routes, headers, answered);
        server.setExecutor(door.threads);
        server.createContext("/", door::handle);
        server.start();
        door.watch.start();
        return door;
    }

    /// Where it is asked: scheme, address and port.
    public URI url() {
        InetSocketAddress at = server.getAddress();
        String host = at.getAddress().getHostAddress();
        return URI.create(
                "%s://%s:%d"
                        .formatted(
                                "http",
                                host.contains(":") ? "[" + host + "]" : host,
                                at.getPort()));
    }

    private void handle(HttpExchange exchange) {
        try (exchange) {
            try {
                answer(exchange);
            } catch (ApiException e) {
                LOG.debug("a request was refused: {}", e.getMessage());
                refuse(exchange, e);
            } catch (AttuneException e) {
                refuse(exchange, ApiException.bad(null, e.getMessage()));
            } catch (RuntimeException e) {
                LOG.warn("a request could not be answered", e);
                refuse(
                        exchange,
                        new ApiException(
                                500, "internal_error", "the request failed; see the server's log"));
            }
        } catch (IOException e) {
            LOG.debug("a client no longer waits for its answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.warn("a request could not be answered", e);
        } finally {
            replies.remove(exchange);
            answered.accept(exchange.getResponseCode());
        }
    }

    private static void refuse(HttpExchange exchange, ApiException why) throws IOException {
        if (exchange.getResponseCode() < 0) {
            why.retryAfter().ifPresent(s -> exchange.getResponseHeaders().set("Retry-After", s));
            String accepted = exchange.getRequestHeaders().getFirst("Accept");
            boolean isPage = accepted != null && accepted.startsWith("text/html");
            ExchangeReply.whole(
                    exchange,
                    why.status(),
                    isPage ? "text/plain" : "application/json",
                    isPage ? why.getMessage() : why.json());
        }
    }

    private void answer(HttpExchange exchange)
            throws ApiException, IOException, InterruptedException {
        Headers asked = exchange.getRequestHeaders();
        access.requireHost(asked);
        exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
        headers.forEach(exchange.getResponseHeaders()::set);
        access.readableFrom(asked).ifPresent(origin -> allow(exchange, origin));
        String method = exchange.getRequestMethod();
        if (method.equals("OPTIONS")) {
            access.requireOrigin(asked);
            exchange.sendResponseHeaders(204, -1);
            return;
        }
        String path = exchange.getRequestURI().getPath();
        if (access.isFirstVisit(exchange.getRequestURI())) {
            exchange.getResponseHeaders()
                    .set("Set-Cookie", access.cookie(exchange.getRequestURI()));
            ExchangeReply.whole(exchange, 200, "text/html", Access.WELCOME);
            return;
        }
        List<Route> known = routes.stream().filter(r -> r.leadsTo(path)).toList();
        Optional<Route> route = known.stream().filter(r -> r.method().equals(method)).findFirst();
        if (route.isEmpty() || !route.get().isOpen()) {
            access.requireKey(asked);
        }
        if (route.isEmpty()) {
            throw known.isEmpty() ? unknown(path) : wrongMethod(path, known);
        }
        if (!method.equals("GET")) {
            access.requireOrigin(asked);
        }
        String name =
                route.get().path().endsWith("/") ? path.substring(route.get().path().length()) : "";
        var call = new Call(exchange, name, s -> reply(exchange, s), new ArrayList<>());
        try {
            route.get().handler().handle(call);
        } finally {
            call.ends().forEach(Runnable::run);
        }
    }

    private static void allow(HttpExchange exchange, String origin) {
        Headers headers = exchange.getResponseHeaders();
        headers.set("Access-Control-Allow-Origin", origin);
        headers.set("Access-Control-Allow-Headers", "authorization, content-type");
        headers.set("Vary", "Origin");
    }

    private ApiException unknown(String path) {
        return new ApiException(
                404,
                "not_found",
                "%s isn't here; there are %s"
                        .formatted(
                                path,
                                String.join(", ", routes.stream().map(Route::path).toList())));
    }

    private static ApiException wrongMethod(String path, List<Route> known) {
        return new ApiException(
                405,
                "method_not_allowed",
                "%s takes a %s".formatted(path, known.getFirst().method()));
    }

    private ExchangeReply reply(HttpExchange exchange, boolean isStream) {
        var reply = new ExchangeReply(exchange, isStream);
        replies.put(exchange, reply);
        return reply;
    }

    /// Breaks connections whose clients read nothing.
    private void watch() {
        try {
            while (true) {
                Thread.sleep(Duration.ofSeconds(1));
                for (ExchangeReply reply : replies.values()) {
                    if (reply.isStuck(STUCK)) {
                        reply.close();
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Answers no more. Waits for nothing.
    @Override
    public void close() {
        watch.interrupt();
        server.stop(0);
        threads.shutdownNow();
    }
}
