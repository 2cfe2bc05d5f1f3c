package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Set;

class FolderTreeTest {
    @TempDir Path folder;

    @Test
    void foldersTooDeepForAPathAreDeleted() throws Exception {
        Path tree = Files.createDirectory(folder.resolve("tree"));
        String name = "d".repeat(200);
        for (int i = 0; i < 40; i++) { // upwards, since no path reaches down so far
            Path around = Files.createDirectory(folder.resolve("around"));
            Files.move(tree, around.resolve(name));
            Files.writeString(around.resolve("file"), "x");
            Files.move(around, tree);
        }
        FolderTree.delete(tree);
        assertTrue(Files.notExists(tree, LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void foldersThatNobodyMayEnterAreDeletedAndLinksAreNotFollowed() throws Exception {
        Path outside = Files.writeString(folder.resolve("outside"), "x");
        Path tree = Files.createDirectory(folder.resolve("tree"));
        Path inner = Files.createDirectories(tree.resolve("a/b/c"));
        Files.writeString(inner.resolve("file"), "x");
        Files.createSymbolicLink(inner.resolve("link"), outside);
        Files.createSymbolicLink(tree.resolve("up"), folder);
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(inner, Set.of());
            Files.setPosixFilePermissions(tree.resolve("a"), Set.of());
        }
        FolderTree.empty(tree);
        try (var left = Files.list(tree)) {
            assertEquals(0, left.count());
        }
        assertEquals("x", Files.readString(outside));
    }
}
