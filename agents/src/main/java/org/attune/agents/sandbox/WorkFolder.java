package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The folder of an episode's programs: made empty by [Sandbox#folder], and gone when it is closed.
/// Where the system allows it, it lies in memory, and only the programs see it.
@Api(EXPERIMENTAL)
public final class WorkFolder implements AutoCloseable {
    private final Path path;
    private final Path code;
    private final Optional<Spaces> spaces;

    private WorkFolder(Path path, Path code, Optional<Spaces> spaces) {
        this.path = path;
        this.code = code;
        this.spaces = spaces;
    }

    static WorkFolder in(Spaces spaces) {
        return new WorkFolder(
                Path.of(Namespaces.WORK), Path.of(Namespaces.CODE), Optional.of(spaces));
    }

    /// @param folder empty, which gets one to write and one to read
    static WorkFolder in(Path folder) throws IOException {
        return new WorkFolder(
                Files.createDirectory(folder.resolve("work")).toRealPath(),
                Files.createDirectory(folder.resolve("code")).toRealPath(),
                Optional.empty());
    }

    /// The folder's path for programs.
    public Path path() {
        return path;
    }

    /// Where a program finds its [SourceFile].
    public Path code() {
        return code;
    }

    /// Where programs may put temporary files.
    public Path temporary() {
        return spaces.isPresent() ? Path.of(Namespaces.TEMPORARY) : path;
    }

    /// The namespaces that it lies in, if there are any.
    Optional<Spaces> spaces() {
        return spaces;
    }

    /// Writes a file to be read, where this process sees the folder.
    void put(Optional<SourceFile> file) throws IOException {
        if (spaces.isEmpty() && file.isPresent()) {
            Files.writeString(code.resolve(file.get().name()), file.get().text());
        }
    }

    /// Deletes what is in it, if this process sees it. Elsewhere the kernel keeps it small.
    ///
    /// @throws IOException if it can't be read
    public void empty() throws IOException {
        if (spaces.isEmpty()) {
            FolderTree.empty(path);
        }
    }

    /// Deletes it.
    @Override
    public void close() {
        spaces.ifPresentOrElse(Spaces::close, () -> FolderTree.delete(path.getParent()));
    }
}
