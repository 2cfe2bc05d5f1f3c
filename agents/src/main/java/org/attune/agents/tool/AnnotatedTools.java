package org.attune.agents.tool;

import org.attune.error.ConfigException;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/// Tools that are methods:
/// ```
/// public final class Shop {
///     @ToolMethod("Multiplies.")
///     int multiply(@Arg("the first factor") int a, Optional<Integer> b) { … }
/// }
/// ```
/// A parameter may be a primitive or its box, a text, an enum, a record, a list, a set, an array, a
/// map of texts to one of these, `Optional` of one of these (not required then), or any JSON
/// (`JsonNode`, `Object`). A [ToolContext] is filled in, and the model isn't told of it. Names of
/// parameters come from `javac -parameters`, or [Arg#name].
///
/// A text that is returned is read as it is, [ToolResult] says more, and everything else is written
/// as JSON: `null` for nothing, and for a method that returns nothing `ok`. An
/// `IllegalArgumentException` is the model's fault, and it reads the message; so is what
/// [ToolMethod#refuses] names. Other exceptions are the world's.
///
/// Methods may have any access, and are taken from superclasses too. Their order is that of their
/// names, since a class file has none that can be relied on.
public final class AnnotatedTools {
    private AnnotatedTools() {}

    /// The marked methods of an object by name; none if there are none.
    ///
    /// @throws ConfigException if one can't be a tool, or two have one name
    public static List<Tool> of(Object object) {
        var tools = new TreeMap<String, MethodTool>();
        for (Method method : marked(object.getClass())) {
            MethodTool tool = MethodTool.of(object, method);
            MethodTool other = tools.put(tool.spec().name(), tool);
            if (other != null) {
                throw new ConfigException(
                        "two methods of %s are tools called \"%s\": %s and %s; give one a @ToolMethod(name = …)"
                                .formatted(
                                        object.getClass().getName(),
                                        tool.spec().name(),
                                        other.method(),
                                        method));
            }
        }
        return List.copyOf(tools.values());
    }

    /// The marked methods of an object, of which there must be one.
    ///
    /// @throws ConfigException if there is none, or as [#of] does
    public static List<Tool> required(Object object) {
        List<Tool> tools = of(object);
        if (tools.isEmpty()) {
            throw new ConfigException(
                    "%s has no tool; mark its methods: @ToolMethod(\"Multiplies.\") int multiply(int a, int b)"
                            .formatted(object.getClass().getName()));
        }
        return tools;
    }

    private static List<Method> marked(Class<?> type) {
        var methods = new ArrayList<Method>();
        for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
            for (Method method : c.getDeclaredMethods()) {
                if (method.isAnnotationPresent(ToolMethod.class)
                        && !method.isBridge()
                        && methods.stream().noneMatch(below -> overrides(below, method))) {
                    methods.add(method);
                }
            }
        }
        methods.sort(Comparator.comparing(Method::toString));
        return methods;
    }

    private static boolean overrides(Method below, Method above) {
        return below.getName().equals(above.getName())
                && List.of(below.getParameterTypes()).equals(List.of(above.getParameterTypes()));
    }
}
