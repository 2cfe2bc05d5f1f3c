package org.attune.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.HubException;
import org.attune.files.HubCache;
import org.attune.json.Json;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;

/// Uploads files as one commit: the Hub is asked which are large, these go first, then the commit
/// names them and holds the small ones. What ends before the commit changes nothing that others
/// see, and large files that arrived are not sent again.
public final class HubUpload {
    private static final String PLAIN = "application/json";
    private static final int BATCH = 100;

    private final HubClient client;
    private final HubSettings settings;
    private final LongConsumer progress;

    /// @param progress told of bytes of large files that went
    public HubUpload(HubSettings settings, LongConsumer progress) {
        this.settings = settings;
        this.progress = progress;
        client = new HubClient(settings);
    }

    /// Makes a repository, and a branch of it, if they aren't there.
    ///
    /// @param wanted its name may lack the account's, which is then that of the token
    /// @param isPrivate unset: as the account's settings say
    /// @return the repository with its whole name
    /// @throws HubException saying what to do, also where there is no token
    public HubRepository create(HubRepository wanted, Optional<Boolean> isPrivate) {
        if (settings.offline()) {
            throw new HubException(
                    wanted + " can't be uploaded to: HF_HUB_OFFLINE is set; unset it");
        }
        if (settings.token().isEmpty()) {
            throw new HubException(
                    "%s can't be uploaded to without a token; set HF_TOKEN to one that may write"
                            .formatted(wanted));
        }
        int slash = wanted.name().indexOf('/');
        ObjectNode wish = Json.object();
        wish.put("name", wanted.name().substring(slash + 1));
        wish.put("organization", slash < 0 ? null : wanted.name().substring(0, slash));
        wish.put("type", wanted.kind() == HubCache.Kind.DATASETS ? "dataset" : "model");
        isPrivate.ifPresent(p -> wish.put("visibility", p ? "private" : "public"));
        JsonNode made = ask(URI.create(settings.endpoint() + "/api/repos/create"), wish, wanted);
        HubRepository whole = slash < 0 ? named(made, wanted) : wanted;
        if (!wanted.revision().equals(HubCache.MAIN)) {
            String branch = "/branch/" + HubRepository.encoded(wanted.revision());
            ask(whole.api(settings.endpoint(), branch), Json.object(), whole);
        }
        return whole;
    }

    /// The name that the server gave, the end of its address.
    private static HubRepository named(JsonNode made, HubRepository wanted) {
        String[] parts = made.path("url").asText().split("/");
        if (parts.length < 2) {
            throw new HubException(
                    "%s: the server doesn't say whose it is; write ORG/NAME".formatted(wanted));
        }
        String name = parts[parts.length - 2] + "/" + parts[parts.length - 1];
        return new HubRepository(wanted.kind(), name, wanted.revision());
    }

    /// Uploads files as a commit on the repository's revision, a branch.
    ///
    /// @param message first line of the commit's message
    /// @return address of the commit
    /// @throws HubException saying what to do
    public String push(HubRepository repository, List<UploadFile> files, String message) {
        try {
            Map<String, UploadFile> large = new LinkedHashMap<>();
            Map<String, String> hashes = new LinkedHashMap<>();
            Set<String> wanted = new HashSet<>();
            for (int i = 0; i < files.size(); i += BATCH) {
                List<UploadFile> some = files.subList(i, Math.min(files.size(), i + BATCH));
                for (JsonNode mode : modes(repository, some).path("files")) {
                    if (mode.path("shouldIgnore").asBoolean()) {
                        continue;
                    }
                    String path = mode.path("path").asText();
                    wanted.add(path);
                    if (mode.path("uploadMode").asText().equals("lfs")) {
                        hashes.put(path, "");
                    }
                }
            }
            for (UploadFile file : files) {
                if (hashes.containsKey(file.path()) && file.size() > 0) {
                    String hash = file.sha256();
                    hashes.put(file.path(), hash);
                    large.put(hash, file);
                }
            }
            if (!large.isEmpty()) {
                new LargeUpload(client, repository, progress).run(large);
            }
            List<UploadFile> sent = files.stream().filter(f -> wanted.contains(f.path())).toList();
            return commit(repository, lines(sent, hashes, message));
        } catch (IOException e) {
            throw new HubException("%s can't be uploaded to: %s".formatted(repository, e), e);
        }
    }

    private JsonNode modes(HubRepository repository, List<UploadFile> files) throws IOException {
        ObjectNode wish = Json.object();
        ArrayNode list = wish.putArray("files");
        for (UploadFile file : files) {
            list.addObject()
                    .put("path", file.path())
                    .put("size", file.size())
                    .put("sample", Base64.getEncoder().encodeToString(file.sample()));
        }
        String rest = "/preupload/" + HubRepository.encoded(repository.revision());
        return ask(repository.api(settings.endpoint(), rest), wish, repository);
    }

    /// A commit's lines.
    private static byte[] lines(List<UploadFile> files, Map<String, String> hashes, String message)
            throws IOException {
        var lines = new ByteArrayOutputStream();
        ObjectNode header = Json.object().put("summary", message).put("description", "");
        line(lines, "header", header);
        for (UploadFile file : files) {
            String hash = hashes.getOrDefault(file.path(), "");
            ObjectNode value = Json.object().put("path", file.path());
            if (hash.isEmpty()) {
                byte[] content = Files.readAllBytes(file.content());
                value.put("content", Base64.getEncoder().encodeToString(content));
                line(lines, "file", value.put("encoding", "base64"));
            } else {
                value.put("algo", "sha256").put("oid", hash).put("size", file.size());
                line(lines, "lfsFile", value);
            }
        }
        return lines.toByteArray();
    }

    private static void line(ByteArrayOutputStream lines, String key, ObjectNode value) {
        ObjectNode line = Json.object().put("key", key);
        line.set("value", value);
        lines.writeBytes((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private String commit(HubRepository repository, byte[] lines) throws IOException {
        String rest = "/commit/" + HubRepository.encoded(repository.revision());
        URI url = repository.api(settings.endpoint(), rest);
        try (HubReply reply = client.post(url, "application/x-ndjson", lines, repository)) {
            if (reply.status() >= 300) {
                throw HubErrors.of(reply, repository, settings);
            }
            return Json.tree(reply.text()).path("commitUrl").asText(settings.page(repository));
        }
    }

    private JsonNode ask(URI url, JsonNode wish, HubRepository about) {
        byte[] body = wish.toString().getBytes(StandardCharsets.UTF_8);
        try (HubReply reply = client.post(url, PLAIN, body, about)) {
            return Json.tree(reply.text());
        } catch (JsonProcessingException e) {
            throw HubTree.strange(about, client);
        } catch (IOException e) {
            throw HubErrors.unreachable(e.toString(), about, settings, e);
        }
    }
}
