package org.attune.hub;

import org.attune.error.Excerpt;
import org.attune.error.HubException;

import java.util.Optional;

/// A file of a repository.
///
/// @param path within it, with slashes
/// @param size bytes
/// @param gitHash SHA-1 that git gives the content of small files, or the pointer of large ones
/// @param sha256 of the content of large files
record HubFile(String path, long size, String gitHash, Optional<String> sha256) {
    public HubFile {
        boolean outside =
                path.isEmpty()
                        || path.startsWith("/")
                        || path.contains("\\")
                        || path.chars().anyMatch(c -> c < ' ')
                        || ("/" + path + "/").matches(".*/\\.{0,2}/.*");
        if (outside || size < 0) {
            throw new HubException(
                    "the server names a file that can't be one: " + Excerpt.of(path));
        }
        boolean known = gitHash.matches("[0-9a-f]{40}");
        if (!known || sha256.isPresent() && !sha256.get().matches("[0-9a-f]{64}")) {
            throw new HubException(
                    "the server gives %s a hash that can't be one".formatted(Excerpt.of(path)));
        }
    }

    /// What the cache calls the content.
    public String hash() {
        return sha256.orElse(gitHash);
    }
}
