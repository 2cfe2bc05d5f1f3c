package org.attune.cli.terminal;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/// While it is open, a signal to this process runs something instead of what it did before. Java
/// has no public way to it; the class that every JDK has for it is reached by its name, and where
/// it is missing nothing changes.
public final class SignalHook implements AutoCloseable {
    private final Runnable restore;
    private final boolean installed;

    private SignalHook(Runnable restore, boolean installed) {
        this.restore = restore;
        this.installed = installed;
    }

    /// Changes nothing.
    public static SignalHook none() {
        return new SignalHook(() -> {}, false);
    }

    /// @param name without SIG, such as `INT` or `WINCH`
    /// @param action runs on a thread of the JVM's; should be short
    public static SignalHook on(String name, Runnable action) {
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Method handle = type.getMethod("handle", type, handlerType);
            Object signal = type.getConstructor(String.class).newInstance(name);
            Object handler =
                    Proxy.newProxyInstance(
                            SignalHook.class.getClassLoader(),
                            new Class<?>[] {handlerType},
                            calling(action));
            Object before = handle.invoke(null, signal, handler);
            return new SignalHook(() -> invoke(handle, signal, before), true);
        } catch (ReflectiveOperationException | RuntimeException e) {
            return none();
        }
    }

    private static InvocationHandler calling(Runnable action) {
        return (proxy, method, arguments) ->
                switch (method.getName()) {
                    case "handle" -> {
                        action.run();
                        yield null;
                    }
                    case "equals" -> proxy == arguments[0];
                    case "hashCode" -> System.identityHashCode(proxy);
                    default -> "SignalHook";
                };
    }

    private static void invoke(Method handle, Object signal, Object handler) {
        try {
            handle.invoke(null, signal, handler);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the signal's handler can't be put back", e);
        }
    }

    /// Whether the signal will be noticed.
    boolean isInstalled() {
        return installed;
    }

    @Override
    public void close() {
        restore.run();
    }
}
