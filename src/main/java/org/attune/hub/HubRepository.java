package org.attune.hub;

import org.attune.error.HubException;
import org.attune.files.HubCache;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;

/// A repository of the Hub at a revision.
///
/// @param name `ORG/NAME`, or `NAME` for the oldest
/// @param revision branch, tag or commit
public record HubRepository(HubCache.Kind kind, String name, String revision) {
    public HubRepository {
        if (!HubCache.isRepositoryName(name) || name.contains("@")) {
            throw new HubException(name + " is no repository's name; accepted: ORG/NAME");
        }
    }

    /// Reads `ORG/NAME` or `ORG/NAME@REVISION`.
    public static HubRepository of(HubCache.Kind kind, String text) {
        int at = text.indexOf('@');
        return at < 0
                ? new HubRepository(kind, text, HubCache.MAIN)
                : new HubRepository(kind, text.substring(0, at), text.substring(at + 1));
    }

    HubRepository at(String other) {
        return new HubRepository(kind, name, other);
    }

    /// An address under `/api/models/ORG/NAME`.
    ///
    /// @param rest what follows, each part encoded already
    URI api(URI endpoint, String rest) {
        return URI.create(endpoint + "/api/" + kind.prefix() + "/" + name + rest);
    }

    /// An address of the repository as git has it.
    URI git(URI endpoint, String rest) {
        String prefix = kind == HubCache.Kind.DATASETS ? "datasets/" : "";
        return URI.create(endpoint + "/" + prefix + name + ".git" + rest);
    }

    /// The address of a file's content at this revision.
    URI file(URI endpoint, String path) {
        String prefix = kind == HubCache.Kind.DATASETS ? "datasets/" : "";
        String parts =
                Arrays.stream(path.split("/"))
                        .map(HubRepository::encoded)
                        .collect(Collectors.joining("/"));
        return URI.create(
                endpoint + "/" + prefix + name + "/resolve/" + encoded(revision) + "/" + parts);
    }

    /// Text as one part of an address's path.
    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public String toString() {
        return name + (revision.equals(HubCache.MAIN) ? "" : "@" + revision);
    }
}
