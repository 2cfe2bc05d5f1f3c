package org.attune.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.HubException;
import org.attune.error.StopRequest;
import org.attune.json.Json;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/// Uploads the contents of large files by git's protocol for them (LFS): in one piece or in as many
/// as the server wants. What the server has already is passed over.
final class LargeUpload {
    private static final String LFS = "application/vnd.git-lfs+json";
    private static final int BUFFER = 1 << 16;

    private final HubClient client;
    private final HubRepository repository;
    private final LongConsumer progress;

    /// @param progress told of bytes that went
    LargeUpload(HubClient client, HubRepository repository, LongConsumer progress) {
        this.client = client;
        this.repository = repository;
        this.progress = progress;
    }

    /// Uploads files.
    ///
    /// @param files by the SHA-256 of their content
    void run(Map<String, UploadFile> files) throws IOException {
        ObjectNode wish = Json.object().put("operation", "upload");
        wish.putArray("transfers").add("basic").add("multipart");
        wish.put("hash_algo", "sha256");
        ArrayNode objects = wish.putArray("objects");
        for (Map.Entry<String, UploadFile> file : files.entrySet()) {
            objects.addObject().put("oid", file.getKey()).put("size", file.getValue().size());
        }
        URI url = repository.git(client.settings().endpoint(), "/info/lfs/objects/batch");
        for (JsonNode object : ask(url, wish).path("objects")) {
            UploadFile file = files.get(object.path("oid").asText());
            if (file == null || object.has("error")) {
                throw new HubException(
                        "%s: the server takes no content: %s"
                                .formatted(
                                        repository,
                                        object.path("error").path("message").asText("unknown")));
            }
            if (object.path("actions").has("upload")) {
                put(object, file);
            }
        }
    }

    private void put(JsonNode object, UploadFile file) throws IOException {
        JsonNode upload = object.path("actions").path("upload");
        String hash = object.path("oid").asText();
        long chunk = upload.path("header").path("chunk_size").asLong();
        URI href = address(upload);
        if (chunk > 0) {
            parts(href, upload.path("header"), hash, chunk, file);
        } else {
            send(href, file, 0, file.size());
        }
        JsonNode verify = object.path("actions").path("verify");
        if (verify.has("href")) {
            ask(address(verify), Json.object().put("oid", hash).put("size", file.size()));
        }
    }

    private void parts(URI href, JsonNode header, String hash, long chunk, UploadFile file)
            throws IOException {
        ObjectNode told = Json.object().put("oid", hash);
        ArrayNode parts = told.putArray("parts");
        Map<Integer, String> addresses = new LinkedHashMap<>();
        header.properties().stream()
                .filter(entry -> entry.getKey().matches("\\d{1,9}"))
                .forEach(e -> addresses.put(Integer.parseInt(e.getKey()), e.getValue().asText()));
        long size = file.size();
        int n = 1;
        for (long at = 0; at < size; at += chunk, n++) {
            String address = addresses.get(n);
            if (address == null) {
                throw new HubException(
                        "%s: the server names too few parts of %s"
                                .formatted(repository, file.path()));
            }
            String tag = send(URI.create(address), file, at, Math.min(chunk, size - at));
            parts.addObject().put("partNumber", n).put("etag", tag);
        }
        ask(href, told);
    }

    /// @return the header `ETag`, or empty
    private String send(URI url, UploadFile file, long from, long length) {
        var body =
                new HubClient.Body() {
                    @Override
                    public long size() {
                        return length;
                    }

                    @Override
                    public void writeTo(OutputStream out) throws IOException {
                        copy(file, from, length, out);
                    }
                };
        try (HubReply reply = client.send("PUT", url, Map.of(), Optional.of(body), repository)) {
            progress.accept(length);
            return reply.header("ETag").orElse("");
        }
    }

    private static void copy(UploadFile file, long from, long length, OutputStream out)
            throws IOException {
        try (FileChannel channel = FileChannel.open(file.content(), StandardOpenOption.READ)) {
            InputStream in = Channels.newInputStream(channel.position(from));
            var buffer = new byte[BUFFER];
            for (long left = length; left > 0; ) {
                StopRequest.check();
                int n = in.read(buffer, 0, (int) Math.min(BUFFER, left));
                if (n < 0) {
                    throw new HubException(
                            file.content() + " became shorter while it was uploaded");
                }
                out.write(buffer, 0, n);
                left -= n;
            }
        }
    }

    private JsonNode ask(URI url, JsonNode wish) throws IOException {
        byte[] body = wish.toString().getBytes(StandardCharsets.UTF_8);
        try (HubReply reply = client.post(url, LFS, body, repository)) {
            String text = reply.text();
            return text.isBlank() ? Json.object() : Json.tree(text);
        }
    }

    private URI address(JsonNode action) {
        try {
            return URI.create(action.path("href").asText());
        } catch (IllegalArgumentException e) {
            throw new HubException(repository + ": the server names no address to upload to", e);
        }
    }
}
