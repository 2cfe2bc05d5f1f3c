package org.attune.agents.spec;

import org.attune.agents.environment.Environment;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolMethod;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.episode.EpisodeStart;
import org.attune.program.GivenClass;
import org.attune.program.GivenClasses;
import org.attune.reward.builtin.Parameters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Tools written in Java: a source file, compiled when the run starts, or a class on the class
/// path. Either is a class with a constructor without parameters that has methods marked with
/// [ToolMethod], or is a [Tool], a [ToolSet] or a [ToolSetFactory].
///
/// Every episode gets a new instance, closed at its end if it can be. With `per: run` one instance
/// serves all, from many threads.
final class JavaTools {
    private static final Logger log = LoggerFactory.getLogger(JavaTools.class);

    private static final GivenClasses CLASSES =
            new GivenClasses(
                    "tool",
                    Tool.class,
                    JavaTools::holdsTools,
                    "has methods marked with @ToolMethod, or is a Tool, ToolSet or ToolSetFactory,"
                            + " and is no Environment (name that in environments)");

    private JavaTools() {}

    static ToolSetFactory fromFile(Path file, Parameters parameters) {
        return factory(CLASSES.fromFile(file), parameters);
    }

    static ToolSetFactory fromClass(String name, Parameters parameters) {
        return factory(CLASSES.fromClass(name), parameters);
    }

    private static boolean holdsTools(Class<?> type) {
        if (Environment.class.isAssignableFrom(type)) {
            return false;
        }
        boolean isOne =
                Stream.of(Tool.class, ToolSet.class, ToolSetFactory.class)
                        .anyMatch(kind -> kind.isAssignableFrom(type));
        return isOne
                || Stream.<Class<?>>iterate(type, c -> c != null, Class::getSuperclass)
                        .flatMap(c -> Stream.of(c.getDeclaredMethods()))
                        .anyMatch(method -> method.isAnnotationPresent(ToolMethod.class));
    }

    private static ToolSetFactory factory(GivenClass type, Parameters parameters) {
        String per = parameters.choice("per", "episode", "run");
        parameters.check();
        Object first = type.make(); // what is wrong with it is told at the start
        if (first instanceof ToolSetFactory factory) {
            return factory;
        }
        ToolSet set = set(first);
        if (per.equals("run")) {
            return new Shared(set);
        }
        set.close();
        return _ -> set(type.make());
    }

    private static ToolSet set(Object instance) {
        ToolSet tools =
                switch (instance) {
                    case ToolSet set -> set;
                    case Tool tool -> ToolSet.of(List.of(tool));
                    default -> ToolSet.of(instance);
                };
        return instance instanceof AutoCloseable owned && instance != tools
                ? new Owning(tools.tools(), owned)
                : tools;
    }

    /// Tools whose instance has something to give back.
    private record Owning(List<Tool> tools, AutoCloseable owned) implements ToolSet {
        @Override
        public void close() {
            try {
                owned.close();
            } catch (Exception e) {
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                log.warn("tools {} failed to close: {}", owned.getClass().getName(), e.toString());
            }
        }
    }

    /// Opens one set of tools for all episodes.
    private record Shared(ToolSet set) implements ToolSetFactory {
        @Override
        public ToolSet open(EpisodeStart start) {
            return ToolSet.of(set.tools()); // which closes nothing
        }

        @Override
        public void close() {
            set.close();
        }
    }
}
