package org.attune.board;

import org.attune.error.ConfigException;
import org.attune.serve.HttpDoor;
import org.attune.serve.HttpDoor.Handler;
import org.attune.serve.HttpDoor.Route;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// Pages about runs, for one browser or several: curves while they are drawn, completions,
/// comparisons, a chat with two adapters, preferences, the figures of a server, a queue. Reads
/// folders, so it need not be there while runs work.
///
/// Everybody who has the address that [#url] gives may see and do everything. Owns the model that
/// it opened.
public final class Board implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Board.class);

    /// Of every response: the page's own files, and nothing from elsewhere.
    private static final Map<String, String> HEADERS =
            Map.of(
                    "Content-Security-Policy",
                    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
                            + " img-src 'self' data:; frame-ancestors 'none'; base-uri 'none';"
                            + " form-action 'none'",
                    "Referrer-Policy",
                    "no-referrer",
                    "Cross-Origin-Resource-Policy",
                    "same-origin",
                    "Cross-Origin-Opener-Policy",
                    "same-origin",
                    "Cache-Control",
                    "no-store");

    private final Deque<AutoCloseable> parts = new ArrayDeque<>(); // the last one closes first
    private final String token =
            (UUID.randomUUID().toString() + UUID.randomUUID()).replace("-", "");
    private HttpDoor door;

    private Board() {}

    /// Opens the board, and its model if it has one.
    ///
    /// @throws org.attune.error.AttuneException if a folder isn't there, a model can't be read, or
    ///     the port can't be had
    public static Board open(BoardConfig config, RunCommands commands) {
        var board = new Board();
        try {
            board.start(config, commands);
            return board;
        } catch (IOException e) {
            board.close();
            throw new ConfigException("the board can't be opened: " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            board.close();
            throw e;
        }
    }

    private void start(BoardConfig config, RunCommands commands) throws IOException {
        for (Path root : config.roots()) {
            if (!Files.isDirectory(root)) {
                throw new ConfigException(root + ": no such folder");
            }
        }
        if (config.model().isPresent() && config.server().isPresent()) {
            throw new ConfigException(
                    "a model and a server to chat with were given; accepted: one of them");
        }
        var index = new RunIndex(config.roots());
        var pairs = new PairFile(config.pairs());
        var queue = new RunQueue(config, index, commands);
        parts.push(queue);
        ModelDesk models = ModelDesk.open(config, index);
        parts.push(models);
        List<Route> routes = new ArrayList<>(pages(new Pages(index)));
        routes.addAll(api(index, commands, queue, models));
        var pictures = new LabelPictures();
        var label = new LabelDesk(index, pairs, pictures, config.answers());
        routes.add(get("/api/label", label::questions));
        routes.add(get("/api/label/pictures/", pictures::show));
        routes.add(get("/api/learning", new LearningDesk(config.feedback(), index)::history));
        routes.add(post("/api/pairs", call -> pairs.add(call, pictures, models)));
        var sweeps = new SweepDesk(index);
        routes.add(get("/api/sweeps", sweeps::list));
        routes.add(get("/api/sweeps/", sweeps::get));
        listen(config, routes);
    }

    private void listen(BoardConfig config, List<Route> routes) {
        var rules =
                new HttpDoor.Rules(
                        List.of(token),
                        Optional.of("attune-" + token.substring(0, 8)),
                        config.allowedHosts(),
                        List.of());
        try {
            door = HttpDoor.open(rules, config.host(), config.port(), routes, HEADERS, _ -> {});
            parts.push(door);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s:%d can't be listened at: %s; choose another with --port"
                            .formatted(config.host(), config.port(), e.getMessage()),
                    e);
        }
    }

    private static List<Route> pages(Pages pages) {
        return List.of(
                get("/", call -> Pages.still(call, "runs", "Runs")),
                get("/runs/", pages::run),
                get("/compare", pages::compare),
                get("/sweeps/", call -> Pages.still(call, "sweep", "Sweep")),
                get("/chat", call -> Pages.still(call, "chat", "Chat")),
                get("/label", call -> Pages.still(call, "label", "Label")),
                get("/serve", call -> Pages.still(call, "serve", "Serve")),
                get("/learn", call -> Pages.still(call, "learn", "Learn")),
                get("/new", call -> Pages.still(call, "new", "New run")),
                get("/assets/", Pages::asset),
                get("/api/report", pages::report));
    }

    private static List<Route> api(
            RunIndex index, RunCommands commands, RunQueue queue, ModelDesk models) {
        var runs = new RunEndpoints(index, new RunRows(), commands, queue);
        return List.of(
                get("/api/runs", runs::list),
                get("/api/runs/", runs::get),
                post("/api/runs/", runs::post),
                get("/api/queue", queue::list),
                post("/api/check", queue::check),
                post("/api/queue", queue::add),
                post("/api/queue/cancel", queue::cancel),
                get("/api/models", models::models),
                get("/api/serve/metrics", models::metrics),
                post("/api/chat", models::chat),
                post("/api/chat/adapter", models::load));
    }

    private static Route get(String path, Handler handler) {
        return new Route("GET", path, false, handler);
    }

    private static Route post(String path, Handler handler) {
        return new Route("POST", path, false, handler);
    }

    /// The address that lets a browser in, with its token.
    public URI url() {
        return door.url().resolve("/?token=" + token);
    }

    /// Closes port and model. Runs go on.
    @Override
    public void close() {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                LOG.warn("a part of the board didn't close", e);
            }
        }
    }
}
