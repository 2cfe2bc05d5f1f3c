package org.attune.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.Executors;

/// A server on the loopback that speaks as the Hub does: repositories with commits, large files
/// behind a redirect to another host, gated and private repositories, uploads by commit and LFS.
/// Faults are taken from queues, one for each request that they fit.
public final class FakeHub implements AutoCloseable {
    static final int LARGE = 1000;

    private static final ObjectMapper JSON = new ObjectMapper();

    /// What happens to a reply of the host of large files.
    record Fault(String kind, long at) {
        /// The connection ends after so many bytes of the body.
        static Fault cut(long at) {
            return new Fault("cut", at);
        }

        static Fault status(int status) {
            return new Fault("status", status);
        }

        /// A bit of the content is another one.
        static Fault flipped() {
            return new Fault("flip", 0);
        }

        /// The reply starts elsewhere than it was asked to.
        static Fault otherRange() {
            return new Fault("range", 0);
        }

        /// The whole content comes though a range was asked for.
        static Fault whole() {
            return new Fault("whole", 0);
        }
    }

    /// A repository.
    public static final class Repository {
        final Map<String, Map<String, byte[]>> commits = new HashMap<>();
        final Map<String, String> refs = new HashMap<>();
        Optional<String> reader = Optional.empty();
        boolean gated;
        public boolean isPrivate;
        public final List<String> summaries = new ArrayList<>();

        public Map<String, byte[]> at(String revision) {
            return commits.get(refs.getOrDefault(revision, revision));
        }
    }

    public final Map<String, Repository> repositories = new HashMap<>();
    final Queue<Fault> faults = new ArrayDeque<>();
    public final Queue<Integer> statuses = new ArrayDeque<>();
    final List<String> requests = new ArrayList<>();
    final List<String> leaks = new ArrayList<>();
    final Map<String, byte[]> large = new HashMap<>();
    long sent;
    long largeRequests;
    int pageSize = 1000;
    int chunk;

    private final FakeUploads uploads = new FakeUploads(this);
    private final HttpServer hub;
    private final HttpServer store;

    public FakeHub() throws IOException {
        hub = server(this::serve);
        store = server(this::serveLarge);
    }

    private interface Handler {
        void handle(HttpExchange exchange) throws IOException;
    }

    private HttpServer server(Handler handler) throws IOException {
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext(
                "/",
                exchange -> {
                    synchronized (this) {
                        try {
                            handler.handle(exchange);
                        } finally {
                            exchange.close();
                        }
                    }
                });
        server.start();
        return server;
    }

    public URI endpoint() {
        return URI.create(
                "%s://%s:%d"
                        .formatted(
                                "http",
                                hub.getAddress().getAddress().getHostAddress(),
                                hub.getAddress().getPort()));
    }

    String storeAddress() {
        return "http://localhost:" + store.getAddress().getPort();
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
    }

    /// Adds a commit to a branch.
    ///
    /// @param name `models/ORG/NAME` or `datasets/ORG/NAME`
    public synchronized String commit(String name, String branch, Map<String, byte[]> files) {
        Repository repository = repositories.computeIfAbsent(name, _ -> new Repository());
        String commit =
                FakeHashes.sha1(
                        (name + branch + repository.commits.size())
                                .getBytes(StandardCharsets.UTF_8));
        repository.commits.put(commit, new TreeMap<>(files));
        repository.refs.put(branch, commit);
        files.values().forEach(content -> large.put(FakeHashes.sha256(content), content));
        return commit;
    }

    private void serve(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
        Integer status = statuses.poll();
        if (status != null) {
            exchange.getResponseHeaders().set("Retry-After", "0");
            reply(exchange, status, "busy");
            return;
        }
        if (exchange.getRequestMethod().equals("POST")) {
            uploads.post(exchange, path);
            return;
        }
        String[] parts = path.substring(1).split("/");
        if (parts[0].equals("api") && parts.length > 4) {
            api(exchange, parts);
        } else {
            int resolve = List.of(parts).indexOf("resolve");
            if (resolve < 0) {
                reply(exchange, 404, "");
                return;
            }
            String name = String.join("/", List.of(parts).subList(0, resolve));
            String file = String.join("/", List.of(parts).subList(resolve + 2, parts.length));
            file(
                    exchange,
                    parts[0].equals("datasets") ? name : "models/" + name,
                    decoded(parts[resolve + 1]),
                    decoded(file));
        }
    }

    static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private void api(HttpExchange exchange, String[] parts) throws IOException {
        int word = List.of(parts).indexOf("revision");
        word = word < 0 ? List.of(parts).indexOf("tree") : word;
        String name = String.join("/", List.of(parts).subList(1, word));
        Repository repository = allowed(exchange, name);
        if (repository == null) {
            return;
        }
        String revision = decoded(parts[word + 1]);
        Map<String, byte[]> files = repository.at(revision);
        if (files == null) {
            error(exchange, 404, "RevisionNotFound");
            return;
        }
        if (parts[word].equals("revision")) {
            ObjectNode info = JSON.createObjectNode();
            info.put("id", name.substring(name.indexOf('/') + 1));
            info.put("sha", repository.refs.getOrDefault(revision, revision));
            info.put("private", repository.isPrivate);
            ArrayNode siblings = info.putArray("siblings");
            files.keySet().forEach(file -> siblings.addObject().put("rfilename", file));
            reply(exchange, 200, info.toString());
        } else {
            tree(exchange, files);
        }
    }

    private void tree(HttpExchange exchange, Map<String, byte[]> files) throws IOException {
        String query = Optional.ofNullable(exchange.getRequestURI().getQuery()).orElse("");
        int from =
                query.contains("cursor=") ? Integer.parseInt(query.replaceAll(".*cursor=", "")) : 0;
        ArrayNode list = JSON.createArrayNode();
        List<String> names = List.copyOf(files.keySet());
        if (from == 0 && names.stream().anyMatch(n -> n.contains("/"))) {
            list.addObject()
                    .put("type", "directory")
                    .put("path", "d")
                    .put("oid", "0")
                    .put("size", 0);
        }
        for (String name : names.subList(from, Math.min(names.size(), from + pageSize))) {
            byte[] content = files.get(name);
            ObjectNode entry = list.addObject().put("type", "file").put("path", name);
            entry.put("size", content.length).put("oid", FakeHashes.git(content));
            if (content.length > LARGE) {
                entry.putObject("lfs")
                        .put("oid", FakeHashes.sha256(content))
                        .put("size", content.length)
                        .put("pointerSize", 130);
            }
        }
        if (from + pageSize < names.size()) {
            exchange.getResponseHeaders()
                    .set(
                            "Link",
                            "<%s%s?recursive=true&cursor=%d>; rel=\"next\""
                                    .formatted(
                                            endpoint(),
                                            exchange.getRequestURI().getRawPath(),
                                            from + pageSize));
        }
        reply(exchange, 200, list.toString());
    }

    private void file(HttpExchange exchange, String name, String revision, String file)
            throws IOException {
        Repository repository = allowed(exchange, name);
        if (repository == null) {
            return;
        }
        byte[] content =
                Optional.ofNullable(repository.at(revision)).map(f -> f.get(file)).orElse(null);
        exchange.getResponseHeaders()
                .set("X-Repo-Commit", repository.refs.getOrDefault(revision, revision));
        if (content == null) {
            error(exchange, 404, "EntryNotFound");
        } else if (content.length > LARGE) {
            String hash = FakeHashes.sha256(content);
            exchange.getResponseHeaders().set("X-Linked-Etag", '"' + hash + '"');
            exchange.getResponseHeaders().set("X-Linked-Size", "" + content.length);
            exchange.getResponseHeaders().set("Location", storeAddress() + "/" + hash + "?sig=1");
            reply(exchange, 302, "");
        } else {
            exchange.getResponseHeaders().set("ETag", '"' + FakeHashes.git(content) + '"');
            content(exchange, content);
        }
    }

    /// Null if the reply is out.
    private Repository allowed(HttpExchange exchange, String name) throws IOException {
        Repository repository = repositories.get(name);
        String token = exchange.getRequestHeaders().getFirst("Authorization");
        if (repository == null) {
            error(exchange, token == null ? 401 : 404, "RepoNotFound");
            return null;
        }
        boolean may =
                repository.reader.isEmpty() || ("Bearer " + repository.reader.get()).equals(token);
        if (!may) {
            error(
                    exchange,
                    token == null ? 401 : 403,
                    repository.gated ? "GatedRepo" : "RepoNotFound");
        }
        return may ? repository : null;
    }

    private void serveLarge(HttpExchange exchange) throws IOException {
        if (exchange.getRequestHeaders().containsKey("Authorization")) {
            leaks.add(exchange.getRequestURI().toString());
        }
        String hash = exchange.getRequestURI().getPath().substring(1);
        if (exchange.getRequestMethod().equals("PUT")) {
            uploads.put(exchange, hash);
            return;
        }
        largeRequests++;
        Fault fault = faults.poll();
        if (fault != null && fault.kind().equals("status")) {
            reply(exchange, (int) fault.at(), "");
            return;
        }
        if (fault != null && fault.kind().equals("flip")) {
            byte[] other = large.get(hash).clone();
            other[other.length / 2] ^= 1;
            content(exchange, other);
            return;
        }
        range(exchange, large.get(hash), fault);
    }

    private void range(HttpExchange exchange, byte[] content, Fault fault) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-.*", "$1"));
        String kind = fault == null ? "" : fault.kind();
        boolean part = range != null && !kind.equals("whole");
        int start = !part ? 0 : kind.equals("range") ? Math.max(0, from - 7) : from;
        if (start >= content.length) {
            reply(exchange, 416, "");
            return;
        }
        int length = content.length - start;
        if (part) {
            exchange.getResponseHeaders()
                    .set(
                            "Content-Range",
                            "bytes %d-%d/%d".formatted(start, content.length - 1, content.length));
        }
        exchange.sendResponseHeaders(part ? 206 : 200, length);
        int end = kind.equals("cut") ? (int) Math.min(length, fault.at()) : length;
        OutputStream out = exchange.getResponseBody();
        sent += end;
        out.write(content, start, end);
        if (end == length) {
            out.close();
        }
    }

    private void content(HttpExchange exchange, byte[] content) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", "" + content.length);
            exchange.sendResponseHeaders(200, -1);
            return;
        }
        exchange.sendResponseHeaders(200, content.length == 0 ? -1 : content.length);
        sent += content.length;
        exchange.getResponseBody().write(content);
    }

    void error(HttpExchange exchange, int status, String code) throws IOException {
        exchange.getResponseHeaders().set("X-Error-Code", code);
        exchange.getResponseHeaders().set("X-Error-Message", "as asked: " + code);
        reply(exchange, status, "");
    }

    static void reply(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.getResponseHeaders().putIfAbsent("Content-Type", List.of("application/json"));
        exchange.sendResponseHeaders(status, head || bytes.length == 0 ? -1 : bytes.length);
        if (!head && bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
        }
    }
}
