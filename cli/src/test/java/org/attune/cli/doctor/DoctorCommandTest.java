package org.attune.cli.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.Main;
import org.attune.trainers.report.Versions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class DoctorCommandTest {
    @TempDir Path root;

    private Finding finding(String what, Map<String, String> environment) {
        return new Examination(root, environment)
                .findings().stream().filter(f -> f.what().equals(what)).findFirst().orElseThrow();
    }

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    @Test
    void machineOfTheTestsLacksNothing() {
        var out = new StringWriter();
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(out), "doctor")
                        .execute("doctor");
        assertEquals(0, code, out.toString());
        assertTrue(out.toString().contains("nothing is missing"), out.toString());
        assertTrue(out.toString().contains("libtorch"), out.toString());
    }

    @Test
    void limitOfAControlGroupCounts() throws IOException {
        write("proc/meminfo", "MemAvailable:   16777216 kB\n");
        assertEquals(Finding.Verdict.OK, finding("memory", Map.of()).verdict());
        write("proc/self/cgroup", "0::/job\n");
        write("sys/fs/cgroup/job/memory.max", "2147483648\n");
        write("sys/fs/cgroup/job/memory.current", "0\n");
        assertEquals(Finding.Verdict.NOTE, finding("memory", Map.of()).verdict());
        write("sys/fs/cgroup/job/memory.current", "2000000000\n");
        assertEquals(Finding.Verdict.MISSING, finding("memory", Map.of()).verdict());
    }

    @Test
    void programsAreLookedForOnThePath() throws IOException {
        assertEquals(Finding.Verdict.NOTE, finding("Maven", Map.of("PATH", "/nowhere")).verdict());
        write("bin/mvn", "");
        assertTrue(root.resolve("bin/mvn").toFile().setExecutable(true));
        Finding found = finding("Maven", Map.of("PATH", "/nowhere:" + root.resolve("bin")));
        assertEquals(root.resolve("bin/mvn").toString(), found.text());
    }

    @Test
    void cachesAreThoseOfTheEnvironment() throws IOException {
        String version = Versions.all().getProperty("libtorch");
        Path unpacked = root.resolve("djl/pytorch").resolve(version + "-cpu");
        var environment =
                Map.of(
                        "ENGINE_CACHE_DIR",
                        root.resolve("djl").toString(),
                        "HF_HUB_CACHE",
                        root.resolve("hub").toString());
        assertEquals(Finding.Verdict.NOTE, finding("libtorch", environment).verdict());
        Files.createDirectories(unpacked);
        assertTrue(finding("libtorch", environment).text().endsWith(unpacked.toString()));
        assertTrue(finding("Hub cache", environment).text().endsWith("not there yet"));
        for (String name : List.of("models--a--b", "models--c", "datasets--d--e", "version.txt")) {
            Files.createDirectories(root.resolve("hub").resolve(name));
        }
        assertTrue(finding("Hub cache", environment).text().contains("2 models and 1 data set"));
    }

    @Test
    void libtorchOfTheUserIsTold() throws IOException {
        write("torch/lib/" + System.mapLibraryName("torch_cpu"), "");
        write("torch/lib/" + System.mapLibraryName("torch_cuda"), "");
        var environment = Map.of("ATTUNE_LIBTORCH", root.resolve("torch").toString());
        assertEquals(Finding.Verdict.NOTE, finding("libtorch", environment).verdict());
        write("torch/version.py", "__version__ = '2.11.0+cu130'\n");
        Finding found = finding("libtorch", environment);
        assertEquals(Finding.Verdict.OK, found.verdict());
        assertEquals(
                "2.11.0+cu130 in %s, by ATTUNE_LIBTORCH; with CUDA"
                        .formatted(root.resolve("torch/lib")),
                found.text());
        write("torch/version.py", "__version__ = '2.9.1'\n");
        assertEquals(Finding.Verdict.MISSING, finding("libtorch", environment).verdict());
        var nowhere = Map.of("ATTUNE_LIBTORCH", "/nowhere");
        assertEquals(Finding.Verdict.MISSING, finding("libtorch", nowhere).verdict());
    }

    @Test
    void tokenIsToldButNotShown() {
        Finding found = finding("Hub access", Map.of("HF_TOKEN", "hf_secret"));
        assertTrue(found.text().contains("with a token"), found.text());
        assertTrue(!found.text().contains("hf_secret"), found.text());
        var offline = new Examination(root, Map.of("HF_HUB_OFFLINE", "1"));
        assertTrue(offline.reachability().text().contains("HF_HUB_OFFLINE"));
    }

    @Test
    void driverOfAGpuIsNoted() throws IOException {
        assertEquals(Finding.Verdict.OK, finding("GPU", Map.of()).verdict());
        write("proc/driver/nvidia/version", "NVRM version: 555.1\n");
        assertTrue(finding("GPU", Map.of()).text().startsWith("NVRM version: 555.1;"));
    }
}
