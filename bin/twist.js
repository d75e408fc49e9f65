#!/usr/bin/env node
import '../dist/twist.cjs';
