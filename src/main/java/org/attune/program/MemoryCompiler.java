package org.attune.program;

import org.attune.error.ConfigException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/// Compiles one source file into classes of this JVM, without writing files.
final class MemoryCompiler {
    private static final int MAX_ERRORS = 10;

    private final ClassLoader parent;
    private final String noun;

    /// @param neighbour a class whose loader the compiled classes may use
    /// @param noun what the file is, in messages: `reward`
    MemoryCompiler(Class<?> neighbour, String noun) {
        this.parent = neighbour.getClassLoader();
        this.noun = noun;
    }

    /// All classes of the file.
    ///
    /// @throws ConfigException on compile errors, each as `file:line: message`
    List<Class<?>> compile(Path file, String source) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new ConfigException(
                    "%s can't be compiled: %s has no compiler. Run with a JDK, or compile it yourself and name the class (class:NAME)."
                            .formatted(file, System.getProperty("java.home")));
        }
        var diagnostics = new DiagnosticCollector<JavaFileObject>();
        var options =
                List.of(
                        "-classpath",
                        System.getProperty("java.class.path"),
                        "-proc:none",
                        "-parameters",
                        "-g",
                        "-nowarn");
        try (var standard =
                        compiler.getStandardFileManager(
                                diagnostics, Locale.ROOT, StandardCharsets.UTF_8);
                var files = new Outputs(standard)) {
            boolean compiled =
                    compiler.getTask(
                                    null,
                                    files,
                                    diagnostics,
                                    options,
                                    null,
                                    List.of(new Source(file, source)))
                            .call();
            if (!compiled) {
                throw new ConfigException(errors(file, diagnostics.getDiagnostics()));
            }
            return new Loader(parent, files.bytes()).all();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String errors(Path file, List<Diagnostic<? extends JavaFileObject>> diagnostics) {
        List<Diagnostic<? extends JavaFileObject>> errors =
                diagnostics.stream().filter(d -> d.getKind() == Diagnostic.Kind.ERROR).toList();
        String lines =
                errors.stream()
                        .limit(MAX_ERRORS)
                        .map(
                                d ->
                                        "%s:%d: %s"
                                                .formatted(
                                                        file,
                                                        d.getLineNumber(),
                                                        d.getMessage(Locale.ROOT)))
                        .collect(Collectors.joining("\n"));
        String more =
                errors.size() > MAX_ERRORS ? "\nand %d more".formatted(errors.size() - 10) : "";
        return "the %s's source file doesn't compile:\n%s%s".formatted(noun, lines, more);
    }

    private static final class Source extends SimpleJavaFileObject {
        private final Path file;
        private final String text;

        Source(Path file, String text) {
            super(file.toUri(), Kind.SOURCE);
            this.file = file;
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }

        /// The file's name needn't be that of its public class.
        @Override
        public boolean isNameCompatible(String simpleName, Kind kind) {
            return kind == Kind.SOURCE;
        }

        @Override
        public String getName() {
            return file.toString();
        }
    }

    private static final class Outputs extends ForwardingJavaFileManager<JavaFileManager> {
        private final Map<String, ByteArrayOutputStream> outputs = new LinkedHashMap<>();

        Outputs(JavaFileManager standard) {
            super(standard);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String name, JavaFileObject.Kind kind, FileObject sibling)
                throws IOException {
            if (location != StandardLocation.CLASS_OUTPUT) {
                return super.getJavaFileForOutput(location, name, kind, sibling);
            }
            return new SimpleJavaFileObject(
                    URI.create("memory:///" + name.replace('.', '/')), kind) {
                @Override
                public OutputStream openOutputStream() {
                    var bytes = new ByteArrayOutputStream();
                    outputs.put(name, bytes);
                    return bytes;
                }
            };
        }

        Map<String, byte[]> bytes() {
            var bytes = new LinkedHashMap<String, byte[]>();
            outputs.forEach((name, output) -> bytes.put(name, output.toByteArray()));
            return bytes;
        }
    }

    private static final class Loader extends ClassLoader {
        private final Map<String, byte[]> classes;

        Loader(ClassLoader parent, Map<String, byte[]> classes) {
            super(parent);
            this.classes = classes;
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            byte[] bytes = classes.get(name);
            if (bytes == null) {
                throw new ClassNotFoundException(name);
            }
            return defineClass(name, bytes, 0, bytes.length);
        }

        List<Class<?>> all() {
            var all = new ArrayList<Class<?>>();
            for (String name : classes.keySet()) {
                try {
                    all.add(loadClass(name));
                } catch (ClassNotFoundException e) {
                    throw new IllegalStateException(e);
                }
            }
            return all;
        }
    }
}
