/// A tool that computes arithmetic expressions exactly.
package org.attune.agents.calculator;
