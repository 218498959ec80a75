"""What the front end is made of: colours, icons, style sheets and scripts."""
