/// Tools that run what a model wrote: Python, Java, shell commands, in a sandbox.
package org.attune.agents.builtin;
