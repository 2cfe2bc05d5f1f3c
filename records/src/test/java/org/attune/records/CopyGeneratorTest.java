package org.attune.records;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import javax.tools.ToolProvider;

/// Compiles records with the generator and asks them.
class CopyGeneratorTest {
    @TempDir Path folder;

    /// @param sources name of each type and its file's text
    private String compile(Map<String, String> sources) throws IOException {
        var paths = new ArrayList<Path>();
        for (var source : sources.entrySet()) {
            Path file = folder.resolve(source.getKey() + ".java");
            paths.add(Files.writeString(file, source.getValue()));
        }
        var compiler = ToolProvider.getSystemJavaCompiler();
        var out = new StringWriter();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            var task =
                    compiler.getTask(
                            out,
                            files,
                            null,
                            List.of("-d", folder.toString(), "-Xlint:all,-options,-processing"),
                            null,
                            files.getJavaFileObjectsFromPaths(paths));
            task.setProcessors(List.of(new CopyGenerator()));
            task.call();
        }
        return out.toString();
    }

    private Object result(String type) throws Exception {
        try (var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, null)) {
            return loader.loadClass(type).getMethod("result").invoke(null);
        }
    }

    private static final String INNER =
            """
            package p;
            @org.attune.records.CopyMethods
            public record Inner(int a, String b) implements InnerCopies {
                public static Inner defaults() { return InnerCopies.blank().withA(1).withB("one"); }
            }
            """;

    private static final String OUTER =
            """
            package p;
            @org.attune.records.CopyMethods
            public record Outer(
                    Inner inner,
                    java.util.OptionalInt size,
                    java.util.Optional<java.util.List<String>> names,
                    double[] numbers,
                    boolean on)
                    implements OuterCopies {
                public static String result() {
                    Outer o = OuterCopies.blank();
                    return o + "; "
                        + o.withInner(i -> i.withA(7)).withSize(3)
                            .withNames(java.util.List.of("x")).withOn(true);
                }
            }
            """;

    @Test
    void copiesChangeOneComponent() throws Exception {
        String out = compile(Map.of("Inner", INNER, "Outer", OUTER));
        assertEquals("", out);
        assertEquals(
                "Outer[inner=Inner[a=1, b=one], size=OptionalInt.empty, names=Optional.empty,"
                        + " numbers=null, on=false]; Outer[inner=Inner[a=7, b=one],"
                        + " size=OptionalInt[3], names=Optional[[x]], numbers=null, on=true]",
                result("p.Outer"));
    }

    @Test
    void onlyRecordsHaveThem() throws IOException {
        String out =
                compile(Map.of("Plain", "@org.attune.records.CopyMethods final class Plain {}"));
        assertTrue(out.contains("only records have copy methods"), out);
    }
}
