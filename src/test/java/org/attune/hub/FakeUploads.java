package org.attune.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;

/// The part of [FakeHub] that takes uploads: commits, and large files by LFS in one piece or in
/// several.
final class FakeUploads {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final FakeHub hub;

    FakeUploads(FakeHub hub) {
        this.hub = hub;
    }

    void post(HttpExchange exchange, String path) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (path.equals("/api/validate-yaml")) {
            FakeHub.reply(exchange, 200, "{\"errors\":[],\"warnings\":[]}");
            return;
        }
        if (!"Bearer writer".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            hub.error(exchange, 401, "");
            return;
        }
        if (path.equals("/api/repos/create")) {
            create(exchange, JSON.readTree(body));
        } else if (path.endsWith(".git/info/lfs/objects/batch")) {
            batch(exchange, JSON.readTree(body));
        } else if (path.equals("/verify")) {
            boolean there = hub.large.containsKey(JSON.readTree(body).path("oid").asText());
            FakeHub.reply(exchange, there ? 200 : 404, "{}");
        } else if (path.startsWith("/complete/")) {
            complete(exchange, JSON.readTree(body));
        } else if (path.contains("/preupload/")) {
            preupload(exchange, JSON.readTree(body));
        } else if (path.contains("/branch/")) {
            String name = path.substring("/api/".length(), path.indexOf("/branch/"));
            FakeHub.Repository repository = hub.repositories.get(name);
            String branch = FakeHub.decoded(path.substring(path.indexOf("/branch/") + 8));
            boolean there = repository.refs.containsKey(branch);
            repository.refs.putIfAbsent(branch, repository.refs.get("main"));
            FakeHub.reply(exchange, there ? 409 : 200, "{}");
        } else {
            commitPosted(exchange, path, new String(body, StandardCharsets.UTF_8));
        }
    }

    private void create(HttpExchange exchange, JsonNode wish) throws IOException {
        String kind = wish.path("type").asText("model") + "s/";
        String owner = wish.path("organization").asText("");
        String name =
                kind
                        + (owner.isEmpty() || owner.equals("null") ? "me" : owner)
                        + "/"
                        + wish.path("name").asText();
        boolean there = hub.repositories.containsKey(name);
        if (!there) {
            hub.commit(name, "main", Map.of(".gitattributes", new byte[0]));
            hub.repositories.get(name).isPrivate =
                    wish.path("visibility").asText().equals("private")
                            || wish.path("private").asBoolean();
        }
        String id = name.substring(kind.length());
        FakeHub.reply(
                exchange,
                there ? 409 : 200,
                "{\"url\":\"%s/%s\",\"name\":\"%s\"}".formatted(hub.endpoint(), id, id));
    }

    private void preupload(HttpExchange exchange, JsonNode wish) throws IOException {
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode files = answer.putArray("files");
        for (JsonNode file : wish.path("files")) {
            boolean isLarge = file.path("size").asLong() > FakeHub.LARGE;
            files.addObject()
                    .put("path", file.path("path").asText())
                    .put("uploadMode", isLarge ? "lfs" : "regular")
                    .put("shouldIgnore", false);
        }
        FakeHub.reply(exchange, 200, answer.toString());
    }

    private void batch(HttpExchange exchange, JsonNode wish) throws IOException {
        ObjectNode answer =
                JSON.createObjectNode().put("transfer", hub.chunk > 0 ? "multipart" : "basic");
        ArrayNode objects = answer.putArray("objects");
        for (JsonNode object : wish.path("objects")) {
            String hash = object.path("oid").asText();
            long size = object.path("size").asLong();
            ObjectNode entry = objects.addObject().put("oid", hash).put("size", size);
            if (!hub.large.containsKey(hash)) {
                ObjectNode actions = entry.putObject("actions");
                ObjectNode upload = actions.putObject("upload");
                if (hub.chunk > 0) {
                    upload.put("href", hub.endpoint() + "/complete/" + hash);
                    ObjectNode header =
                            upload.putObject("header").put("chunk_size", "" + hub.chunk);
                    for (int i = 1; (long) (i - 1) * hub.chunk < size; i++) {
                        header.put("%05d".formatted(i), hub.storeAddress() + "/" + hash + "-" + i);
                    }
                } else {
                    upload.put("href", hub.storeAddress() + "/" + hash);
                }
                actions.putObject("verify").put("href", hub.endpoint() + "/verify");
            }
        }
        FakeHub.reply(exchange, 200, answer.toString());
    }

    void put(HttpExchange exchange, String name) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        FakeHub.Fault fault = hub.faults.poll();
        if (fault != null) {
            FakeHub.reply(exchange, (int) fault.at(), "");
            return;
        }
        if (name.length() == 64 && !FakeHashes.sha256(body).equals(name)) {
            FakeHub.reply(exchange, 400, "other bytes");
            return;
        }
        hub.large.put(name, body);
        exchange.getResponseHeaders().set("ETag", "\"part-" + name + "\"");
        FakeHub.reply(exchange, 200, "");
    }

    private void complete(HttpExchange exchange, JsonNode wish) throws IOException {
        String hash = wish.path("oid").asText();
        var whole = new ByteArrayOutputStream();
        for (JsonNode part : wish.path("parts")) {
            String name = hash + "-" + part.path("partNumber").asInt();
            boolean right = part.path("etag").asText().equals("\"part-" + name + "\"");
            whole.writeBytes(right ? hub.large.get(name) : new byte[0]);
        }
        boolean right = FakeHashes.sha256(whole.toByteArray()).equals(hash);
        if (right) {
            hub.large.put(hash, whole.toByteArray());
        }
        FakeHub.reply(exchange, right ? 200 : 400, "{}");
    }

    private void commitPosted(HttpExchange exchange, String path, String lines) throws IOException {
        int at = path.indexOf("/commit/");
        FakeHub.Repository repository =
                at < 0 ? null : hub.repositories.get(path.substring("/api/".length(), at));
        String branch = at < 0 ? "" : FakeHub.decoded(path.substring(at + "/commit/".length()));
        if (repository == null || repository.at(branch) == null) {
            hub.error(exchange, 404, repository == null ? "RepoNotFound" : "RevisionNotFound");
            return;
        }
        Map<String, byte[]> files = new TreeMap<>(repository.at(branch));
        for (String line : lines.lines().toList()) {
            JsonNode value = JSON.readTree(line).path("value");
            switch (JSON.readTree(line).path("key").asText()) {
                case "header" -> repository.summaries.add(value.path("summary").asText());
                case "file" ->
                        files.put(
                                value.path("path").asText(),
                                Base64.getDecoder().decode(value.path("content").asText()));
                case "lfsFile" ->
                        files.put(
                                value.path("path").asText(),
                                hub.large.get(value.path("oid").asText()));
                default -> throw new IOException(line);
            }
        }
        String name = path.substring("/api/".length(), at);
        String commit = hub.commit(name, branch, files);
        String page = hub.endpoint() + "/" + name.replaceFirst("^models/", "");
        FakeHub.reply(
                exchange,
                200,
                "{\"commitUrl\":\"%s/commit/%s\",\"commitOid\":\"%s\",\"pullRequestUrl\":null}"
                        .formatted(page, commit, commit));
    }
}
