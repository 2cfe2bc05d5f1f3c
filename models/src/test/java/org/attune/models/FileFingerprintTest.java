package org.attune.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class FileFingerprintTest {
    private static final int MIB = 1 << 20;

    @TempDir Path folder;

    private String print(String place, byte[] bytes) throws IOException {
        Path model = Files.createDirectories(folder.resolve(place));
        Files.write(model.resolve("model.safetensors"), bytes);
        Files.writeString(model.resolve("config.json"), "{}");
        var print = new FileFingerprint();
        print.add(model);
        return print.hex();
    }

    @Test
    void aMatrixInTheMiddleTellsModelsApart() throws IOException {
        byte[] bytes = new byte[6 * MIB];
        String before = print("a", bytes);
        assertEquals(before, print("elsewhere", bytes));
        int matrix = MIB / 2; // bytes of one of the smallest that models have
        for (int start = 0; start + matrix <= bytes.length; start += matrix / 3) {
            byte[] merged = bytes.clone();
            for (int i = 0; i < matrix; i++) {
                merged[start + i] = 1;
            }
            assertNotEquals(before, print("b", merged), "changed from byte " + start);
        }
    }

    @Test
    void ofSmallFilesEveryByteCounts() throws IOException {
        for (int size : new int[] {1, 4096, 70_000, 140_000}) {
            byte[] bytes = new byte[size];
            String before = print("a", bytes);
            bytes[size / 2] = 1;
            assertNotEquals(before, print("b", bytes));
            assertNotEquals(before, print("c", new byte[size + 1]));
        }
    }
}
