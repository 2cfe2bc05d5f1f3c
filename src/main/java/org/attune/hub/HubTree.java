package org.attune.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.HubException;
import org.attune.json.Json;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a repository holds at a commit.
///
/// @param commit SHA-1
/// @param files in the server's order
record HubTree(String commit, List<HubFile> files) {
    private static final Pattern NEXT = Pattern.compile("<([^>]+)>;\\s*rel=\"next\"");
    private static final int MOST_PAGES = 10_000;

    HubTree {
        files = List.copyOf(files);
    }

    /// Asks for the commit of a revision and its files.
    static HubTree read(HubClient client, HubRepository repository) {
        URI endpoint = client.settings().endpoint();
        String revision = HubRepository.encoded(repository.revision());
        JsonNode info =
                json(client, repository.api(endpoint, "/revision/" + revision), repository).body();
        String commit = info.path("sha").asText();
        if (!commit.matches("[0-9a-f]{40}")) {
            throw strange(repository, client);
        }
        List<HubFile> files = new ArrayList<>();
        Optional<URI> page =
                Optional.of(repository.api(endpoint, "/tree/" + commit + "?recursive=true"));
        for (int i = 0; page.isPresent() && i < MOST_PAGES; i++) {
            Page found = json(client, page.get(), repository);
            if (!found.body().isArray()) {
                throw strange(repository, client);
            }
            found.body().forEach(entry -> file(entry).ifPresent(files::add));
            page = found.next();
        }
        return new HubTree(commit, files);
    }

    private record Page(JsonNode body, Optional<URI> next) {}

    private static Page json(HubClient client, URI url, HubRepository about) {
        try (HubReply reply = client.get(url, Map.of(), about)) {
            Matcher next = NEXT.matcher(reply.header("Link").orElse(""));
            return new Page(
                    Json.tree(reply.text()),
                    next.find() ? Optional.of(url.resolve(next.group(1))) : Optional.empty());
        } catch (JsonProcessingException e) {
            throw strange(about, client);
        } catch (IOException e) {
            throw HubErrors.unreachable(e.toString(), about, client.settings(), e);
        }
    }

    private static Optional<HubFile> file(JsonNode entry) {
        if (!entry.path("type").asText().equals("file")) {
            return Optional.empty();
        }
        JsonNode large = entry.path("lfs");
        return Optional.of(
                new HubFile(
                        entry.path("path").asText(),
                        large.path("size").asLong(entry.path("size").asLong(-1)),
                        entry.path("oid").asText(),
                        Optional.ofNullable(large.path("oid").textValue())));
    }

    /// The error for a server that doesn't answer as the Hub does.
    static HubException strange(HubRepository about, HubClient client) {
        return new HubException(
                "%s: %s doesn't answer as the Hub does; is HF_ENDPOINT right, and no login page of a network between?"
                        .formatted(about, client.settings().endpoint()));
    }
}
