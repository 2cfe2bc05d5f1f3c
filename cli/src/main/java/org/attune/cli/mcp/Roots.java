package org.attune.cli.mcp;

import org.attune.error.ConfigException;
import org.attune.files.GivenPath;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// The folders that a client may have read and written. Links count as what they lead to.
final class Roots {
    private final List<Path> folders; // without links

    private Roots(List<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    /// @throws ConfigException if one is no folder
    static Roots of(List<Path> given) {
        List<Path> folders = new ArrayList<>();
        for (Path folder : given) {
            try {
                if (!Files.isDirectory(folder)) {
                    throw new ConfigException("--root: %s is no folder".formatted(folder));
                }
                folders.add(folder.toRealPath());
            } catch (IOException e) {
                throw new ConfigException("--root: %s can't be opened: %s".formatted(folder, e), e);
            }
        }
        return new Roots(folders);
    }

    /// The file or folder that a client names, which need not be there.
    ///
    /// @param what names it, for messages
    /// @throws ConfigException if it lies elsewhere
    Path require(String what, String given) {
        return require(what, GivenPath.of(given));
    }

    /// @throws ConfigException if the path lies elsewhere
    Path require(String what, Path path) {
        if (!hold(path)) {
            throw new ConfigException(
                    "%s: %s lies outside of the folders that attune mcp may use: %s; name something in them, or start it with --root FOLDER"
                            .formatted(what, path, this));
        }
        return path.toAbsolutePath().normalize();
    }

    /// Whether what is at a path, or would be made there, lies in one of the folders.
    boolean hold(Path path) {
        try {
            Path real = real(path.toAbsolutePath());
            return folders.stream().anyMatch(real::startsWith);
        } catch (IOException e) {
            return false; // a link that leads nowhere, or a folder that may not be read
        }
    }

    /// Goes down as the system does: `..` behind a link is above what the link leads to.
    private static Path real(Path path) throws IOException {
        Path at = path.getRoot();
        for (Path name : path) {
            if (name.toString().equals("..")) {
                at = at.getParent() == null ? at : at.getParent();
            } else {
                at = at.resolve(name).normalize();
                if (Files.exists(at, LinkOption.NOFOLLOW_LINKS)) {
                    at = at.toRealPath();
                }
            }
        }
        return at;
    }

    @Override
    public String toString() {
        return folders.stream().map(Path::toString).collect(Collectors.joining(", "));
    }
}
