-- Tells four times a second where mpv is, and how far sound and picture are apart.
mp.add_periodic_timer(0.25, function()
  local position_s, avsync_s = mp.get_property_number("time-pos"), mp.get_property_number("avsync")
  if position_s and avsync_s then
    print(string.format("position_s=%.3f avsync_s=%.3f", position_s, avsync_s))
  end
end)
